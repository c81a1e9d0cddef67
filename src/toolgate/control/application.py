"""The composition root of the web application: every route of the control plane, in one list."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from toolgate.control.state import State


def build_application(state: State) -> Starlette:
    """The application over one installation. Handlers find `state` as `request.app.state.toolgate`."""
    routes: list[BaseRoute] = []
    application = Starlette(routes=routes)
    application.state.toolgate = state
    return application

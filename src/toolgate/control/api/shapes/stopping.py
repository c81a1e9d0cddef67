"""The switch that stops a grant or a server."""

from __future__ import annotations

from pydantic import ConfigDict

from toolgate.control.api.shapes.words import Asked, Shown


class StopOrder(Asked):
    """Why something is stopped."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "It mails what it reads."}]})

    reason: str = ""
    """One line of at most 200 characters; agents whose calls are denied read it, too."""


class Stop(Shown):
    """That somebody stopped it: until it is resumed, every call is denied with the rule `(stopped)`."""

    at: str
    """Since when."""
    by: str
    """Who did."""
    reason: str
    """Why; may be empty."""

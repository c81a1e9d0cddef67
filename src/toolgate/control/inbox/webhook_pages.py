"""`/settings/webhooks`: where calls that wait are announced, and how the messages arrive."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.inbox import sending
from toolgate.control.pages.forms import one_of, placed, text, texts, ticked
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.errors import ToolgateError
from toolgate.keys import Sealer
from toolgate.store import deliveries, described, webhooks
from toolgate.store.errors import BadInput
from toolgate.store.labels import living_servers
from toolgate.store.webhooks import LINKS, PURPOSE, Links, Options, Webhook

_PATH: Final = "/settings/webhooks"
_FIELDS: Final = {"name": "name", "url": "url", "format": "format", "servers": "servers"}
_FORMATS: Final = [
    ("generic", "JSON", "signed as Standard Webhooks say, for programs"),
    ("slack", "Slack", "the address of an incoming webhook of a channel"),
]
_LINKS: Final = [
    ("open", "Decides", "whoever has the message may decide, once"),
    ("sign_in", "Decides after signing in", "only approvers, as themselves"),
    ("none", "No link", "people find the call in the inbox"),
]
_DONE: Final = {
    "added": "The webhook is there. Send a test to see that it arrives.",
    "changed": "The webhook is changed.",
    "enabled": "The webhook is told of calls again.",
    "disabled": "The webhook rests; links that it sent decide nothing meanwhile.",
    "removed": "The webhook is removed, and its links decide nothing any more.",
    "tested": "The test arrived: the receiver answered that it has it.",
}


def _list(request: Request) -> Page:
    return _listed(request, _typed(Options(), {"name": "", "url": "", "format": "generic"}))


def _listed(request: Request, typed: dict[str, Any], error: ToolgateError | None = None) -> Page:
    here, asking = state(request), actor(request)
    found = webhooks.every(here.engine, organisation=asking.organisation)
    rows = [{**described.webhook(hook), "last": _last(request, hook)} for hook in found]
    view = _choices(request, typed, error)
    return Page("webhooks.html", "Webhooks", {"webhooks": rows}, view, status=422 if error else 200)


def _last(request: Request, hook: Webhook) -> dict[str, Any] | None:
    found = deliveries.recent(state(request).engine, hook.id, limit=1)
    return described.delivery(found[0]) if found else None


def _choices(request: Request, typed: dict[str, Any], error: ToolgateError | None) -> dict[str, Any]:
    return {
        "typed": typed,
        "choices": living_servers(state(request).engine, actor(request).organisation),
        "formats": _FORMATS,
        "links_of": _LINKS,
        "errors": placed(error, _FIELDS) if error else {},
    }


def _typed(options: Options, own: Mapping[str, str]) -> dict[str, Any]:
    """A form as it is filled in: `url` is never filled in again, because it may be a secret."""
    which = "every" if options.servers is None else "some"
    shown = {"which": which, "servers": list(options.servers or ()), "values": options.values}
    return {**own, **shown, "links": options.links, "allow_private": options.allow_private}


def _options(form: FormData) -> Options:
    """What a form says. Raises BadInput."""
    chosen = tuple(texts(form, "server"))
    if text(form, "which") == "some" and not chosen:
        raise BadInput("servers", "no server is chosen", "choose at least one, or every server")
    return Options(
        servers=chosen if text(form, "which") == "some" else None,
        values=ticked(form, "values"),
        links=_links(text(form, "links")),
        allow_private=ticked(form, "allow_private"),
    )


def _links(typed: str) -> Links:
    for known in LINKS:
        if known == typed:
            return known
    raise BadInput("links", "is not one of the choices", "choose what a link allows")


def _kept(form: FormData) -> dict[str, Any]:
    """What was typed, for the form that is shown again."""
    typed = {name: text(form, name) for name in ("name", "format", "which", "links")}
    ticks = {name: ticked(form, name) for name in ("values", "allow_private")}
    return {**typed, **ticks, "servers": texts(form, "server"), "url": ""}


def _add(request: Request, form: FormData) -> Answer:
    here, asking = state(request), actor(request)
    try:
        made = webhooks.add(
            here.engine,
            asking.name,
            _sealer(request),
            name=text(form, "name"),
            url=text(form, "url"),
            format=text(form, "format"),
            options=_options(form),
            organisation=asking.organisation,
        )
    except BadInput as error:
        return _listed(request, _kept(form), error)
    return _secret_page(made.webhook, made.secret) if made.secret else see_other(f"{_PATH}/{made.webhook.id}", "added")


def _secret_page(hook: Webhook, secret: str) -> Page:
    return Page("webhook_secret.html", "Secret of the webhook", {}, {"webhook": hook, "secret": secret})


def _sealer(request: Request) -> Sealer:
    return state(request).master.sealer(PURPOSE)


def _hook(request: Request) -> Webhook:
    """The webhook of this page. Raises NotStored."""
    return webhooks.get(state(request).engine, request.path_params["id"], organisation=actor(request).organisation)


def _look(request: Request) -> Page:
    hook = _hook(request)
    return _one(request, hook, _typed(hook.options, {"name": hook.name, "url": "", "format": hook.format}))


def _one(request: Request, hook: Webhook, typed: dict[str, Any], error: ToolgateError | None = None) -> Page:
    sent = [described.delivery(delivery) for delivery in deliveries.recent(state(request).engine, hook.id)]
    data = {"webhook": described.webhook(hook), "deliveries": sent}
    return Page("webhook.html", hook.name, data, _choices(request, typed, error), status=422 if error else 200)


def _amend(request: Request, form: FormData) -> Answer:
    here, asking, hook = state(request), actor(request), _hook(request)
    try:
        webhooks.amend(
            here.engine,
            asking.name,
            _sealer(request),
            hook.id,
            name=text(form, "name"),
            url=text(form, "url"),
            options=_options(form),
            organisation=asking.organisation,
        )
    except BadInput as error:
        return _one(request, hook, {**_kept(form), "format": hook.format}, error)
    return see_other(f"{_PATH}/{hook.id}", "changed")


async def _test(request: Request, _form: FormData) -> Answer:
    """Send a message of a call that never was, and say what came back."""
    hook = await run_in_threadpool(_hook, request)
    sent = await sending.send(state(request), hook, sending.sample(state(request), hook), str(uuid.uuid4()))
    if not sent.error:
        return see_other(f"{_PATH}/{hook.id}", "tested")
    typed = _typed(hook.options, {"name": hook.name, "url": "", "format": hook.format})
    problem = ToolgateError("test", f"did not arrive: {sent.error}", "look at the address and at its receiver")
    return await run_in_threadpool(_one, request, hook, typed, problem)


def _renew(request: Request, _form: FormData) -> Answer:
    here, asking, hook = state(request), actor(request), _hook(request)
    made = webhooks.renew(here.engine, asking.name, _sealer(request), hook.id, organisation=asking.organisation)
    return _secret_page(made.webhook, made.secret)


def _switch(request: Request, form: FormData) -> Answer:
    here, asking, hook = state(request), actor(request), _hook(request)
    enabled = one_of(form, "do", ("enable", "disable")) == "enable"
    webhooks.switch(here.engine, asking.name, hook.id, enabled=enabled, organisation=asking.organisation)
    return see_other(f"{_PATH}/{hook.id}", "enabled" if enabled else "disabled")


def _ask_removal(request: Request) -> Page:
    return Page("webhook_remove.html", "Remove the webhook?", {"webhook": described.webhook(_hook(request))})


def _remove(request: Request, _form: FormData) -> Answer:
    asking, hook = actor(request), _hook(request)
    webhooks.remove(state(request).engine, asking.name, hook.id, organisation=asking.organisation)
    return see_other(_PATH, "removed")


routes: list[BaseRoute] = [
    *page(_PATH, _list, role="admin", done=_DONE),
    *action(_PATH, _add, role="admin"),
    *page(f"{_PATH}/{{id}}/remove", _ask_removal, role="admin"),
    *page(f"{_PATH}/{{id}}", _look, role="admin", done=_DONE),
    *action(f"{_PATH}/{{id}}", _amend, role="admin"),
    *action(f"{_PATH}/{{id}}/test", _test, role="admin"),
    *action(f"{_PATH}/{{id}}/secret", _renew, role="admin"),
    *action(f"{_PATH}/{{id}}/switch", _switch, role="admin"),
    *action(f"{_PATH}/{{id}}/remove", _remove, role="admin"),
]

"""`/grants/{id}/try`: one real call through the gateway with a grant's token, to see what an agent would see."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.pages import forms
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, state
from toolgate.errors import ToolgateError
from toolgate.keys import token_checks
from toolgate.store import definitions, grants
from toolgate.store.errors import BadInput
from toolgate.store.grants import Grant
from toolgate.store.legible import legible
from toolgate.upstream.address import parse_url
from toolgate.upstream.http import HttpUpstream
from toolgate.upstream.trial import try_call

FIELDS: Final = {"token": "token", "tool": "tool", "arguments": "arguments"}


def _ask(request: Request) -> Page:
    return _page(request, _grant(request), {"token": "", "tool": "", "arguments": "{}"}, {})


async def _try(request: Request, form: FormData) -> Answer:
    """Make the call; a denial is an answer like any other. The token goes to our own gateway and nowhere else."""
    grant = await run_in_threadpool(_grant, request)
    typed = {name: forms.text(form, name) for name in FIELDS}
    try:
        answer = await _answer(state(request).proxy_url(grant.server_id), typed)
    except ToolgateError as error:
        return await run_in_threadpool(_page, request, grant, typed, forms.placed(error, FIELDS))
    return await run_in_threadpool(_page, request, grant, typed, {}, answer)


async def _answer(url: str, typed: dict[str, str]) -> dict[str, Any]:
    """The JSON-RPC message that the gateway answered with. Raises ToolgateError."""
    if not token_checks(typed["token"]):
        raise BadInput("token", "is no token of a grant", "it begins with tg_; a lost one can only be replaced")
    if not typed["tool"]:
        raise BadInput("tool", "is missing", "choose the tool to call")
    headers = [("authorization", f"Bearer {typed['token']}")]
    upstream = HttpUpstream(parse_url(url, allow_private=True), headers, allow_private=True)
    try:
        return await try_call(upstream, url, typed["tool"], _arguments(typed["arguments"]))
    finally:
        await upstream.close()


def _arguments(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise BadInput("arguments", f"are no JSON object: {error}", 'write them as {"name": "value"}') from None


def _grant(request: Request) -> Grant:
    organisation = actor(request).organisation
    return grants.get(state(request).engine, request.path_params["id"], time.time(), organisation=organisation)


def _page(
    request: Request,
    grant: Grant,
    typed: dict[str, str],
    errors: dict[str, ToolgateError],
    answer: dict[str, Any] | None = None,
) -> Page:
    data = {"grant": {"id": grant.id, "label": grant.label, "server": grant.server}}
    view = {"typed": typed, "errors": errors, "answer": None if answer is None else _told(answer)}
    view["choices"] = choices(request, grant)
    title, headers = f"Try a call as {grant.label}", {"cache-control": "no-store"}
    return Page("grant_try.html", title, data, view, status=422 if errors else 200, headers=headers)


def choices(request: Request, grant: Grant) -> list[tuple[str, str]]:
    """The tools that can be tried, as pairs of name and words."""
    organisation = actor(request).organisation
    known = definitions.of_server(state(request).engine, grant.server_id, organisation=organisation)
    return [("", "choose one"), *((name, legible(name)) for name in sorted({version.name for version in known}))]


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    """What the client reads: whether it was refused, the text blocks, and the whole answer."""
    result = answer.get("result")
    failed = not isinstance(result, dict) or result.get("isError") is True
    blocks = result.get("content", ()) if isinstance(result, dict) else ()
    texts = [block["text"] for block in blocks if isinstance(block, dict) and isinstance(block.get("text"), str)]
    error = answer.get("error")
    if isinstance(error, dict):
        texts = [str(error.get("message"))]
    denied = failed and any(text.startswith("[POLICY DENIED]") for text in texts)
    return {"failed": failed, "denied": denied, "text": "\n".join(texts), "whole": json.dumps(answer, indent=2)}


routes: list[BaseRoute] = [
    *page("/grants/{id}/try", _ask, role="admin"),
    *action("/grants/{id}/try", _try, role="admin"),
]

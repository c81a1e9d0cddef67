"""`/catalogue/apply/{server}`: a policy for a registered server, made of what the catalogue knows, shown as a diff.

Nothing is stored here. The draft goes to the builder, whose "Save" stores it over the revision that it began with and
no other, or where it can be worked on first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.catalogue.applying import Applied, apply_entries, merged, only, opened
from toolgate.catalogue.entries import ServerEntry
from toolgate.classifier.recommend import written
from toolgate.control.builder.drafts import Look, lines, look
from toolgate.control.builder.spans import read
from toolgate.control.builder.splices import become
from toolgate.control.pages.drafting import Draft
from toolgate.control.pages.policy_choices import Chosen, servers_of, tools_of
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import actor, page, state
from toolgate.policy.definition import Definition
from toolgate.policy.document import Document
from toolgate.policy.entries import escape
from toolgate.store import grants, policies
from toolgate.store.errors import NotStored
from toolgate.store.policies import Listed, Policy
from toolgate.store.servers import Server

_NEW: Final = "new"
_SPLICED: Final = 150
"""Rules up to which the text of a policy is edited in place; more are written anew, for that takes much less time."""

_EMPTY: Final = '{\n  "version": "1"\n}\n'


@dataclass(slots=True, frozen=True)
class _Wish:
    """What the form at the top of the page asks for."""

    server: Server | None
    policy: Policy | None
    safeguards: bool
    tool: str


def _look(request: Request) -> Page:
    entry = _entry(request)
    wish = _wish(request, entry)
    view: dict[str, Any] = {
        "entry": entry,
        "servers": [(server.id, server.name) for server in servers_of(request)],
        "policies": [(_NEW, "a new policy"), *((each.id, each.name) for each in _policies(request, wish.server))],
        "wish": wish,
        "asked_tool": request.query_params.get("tool", ""),
        "chosen_policy": wish.policy.id if wish.policy is not None else _NEW,
    }
    data: dict[str, Any] = {"catalogue_server": entry.name, "server": None, "policy": None, "draft": None}
    if wish.server is not None:
        chosen = tools_of(request, wish.server.id)
        applied = _applied(request, entry, chosen, wish)
        after = _text(wish, applied)
        found = look(after, {name: Definition(tool) for name, tool in chosen.tools.items()})
        data |= _said(wish, applied, found)
        view |= _forms(wish, after)
    return Page("catalogue_apply.html", f"Apply {entry.name}", data, view)


def _entry(request: Request) -> ServerEntry:
    found = state(request).catalogue().server(request.path_params["server_slug"], actor(request).organisation)
    if found is None:
        raise NotStored("catalogue", "there is no such server", "search for it in the catalogue")
    return found


def _wish(request: Request, entry: ServerEntry) -> _Wish:
    asked = request.query_params
    server = _server(request, asked.get("server", ""), entry)
    policy = _policy(request, asked.get("policy"), server)
    return _Wish(server, policy, asked.get("safeguards") == "yes", _tool(request, entry, asked.get("tool", "")))


def _tool(request: Request, entry: ServerEntry, slug: str) -> str:
    """The name of the one tool that is asked for; "" for all of them."""
    tool = state(request).catalogue().tool(entry.slug, slug, actor(request).organisation) if slug else None
    return tool.name if tool is not None else ""


def _server(request: Request, asked: str, entry: ServerEntry) -> Server | None:
    """The registered server that is named; where none is, the one that has the catalogue's address or name."""
    found = servers_of(request)
    if asked:
        return next((server for server in found if asked in (server.id, server.name)), None)
    name = entry.name.lower().rpartition("/")[2]
    alike = (server for server in found if name == server.name.lower() or (entry.url and entry.url == server.url))
    return next(alike, None)


def _policies(request: Request, server: Server | None) -> list[Listed]:
    """Those under which the server's grants are first."""
    found = policies.every(state(request).engine, organisation=actor(request).organisation)
    used = _used(request, server)
    return sorted(found, key=lambda each: (each.id not in used, each.name))


def _used(request: Request, server: Server | None) -> list[str]:
    """Ids of the policies of the server's living grants."""
    if server is None:
        return []
    here, organisation = state(request), actor(request).organisation
    under = grants.every(here.engine, 0.0, server=server.id, organisation=organisation, limit=200)
    return [grant.policy_id for grant in under if grant.revoked is None and grant.policy_id is not None]


def _policy(request: Request, asked: str | None, server: Server | None) -> Policy | None:
    """The one that is named; where nothing was asked yet, that of the server's first grant; None for a new one."""
    wanted = next(iter(_used(request, server)), _NEW) if asked is None else asked
    if wanted in ("", _NEW):
        return None
    return policies.get(state(request).engine, wanted, organisation=actor(request).organisation)


def _applied(request: Request, entry: ServerEntry, chosen: Chosen, wish: _Wish) -> Applied:
    entries = state(request).catalogue().every_tool(entry.slug, actor(request).organisation)
    classes = [chosen.classes[name] for name in chosen.tools]
    return apply_entries(entries, chosen.tools.values(), entry.name, classes, safeguards=wish.safeguards)


def _text(wish: _Wish, applied: Applied) -> str:
    """The draft as text: the present policy with its rules, or a policy of its own."""
    draft = only(applied.document, wish.tool) if wish.tool else applied.document
    if wish.policy is None:
        return written(draft)
    value = merged(read(wish.policy.document).plain(), draft)
    if len(draft["tools"]) + len(draft.get("hide", ())) <= _SPLICED:
        return become(wish.policy.document, "", value)
    return become(_EMPTY, "", value)


def _said(wish: _Wish, applied: Applied, found: Look) -> dict[str, Any]:
    assert wish.server is not None
    before = wish.policy.document if wish.policy is not None else ""
    names = [tool.name for tool in applied.tools if not wish.tool or tool.name == wish.tool]
    return {
        "server": wish.server.name,
        "policy": wish.policy.name if wish.policy is not None else None,
        "draft": found.text,
        "valid": found.valid,
        "problems": [{"pointer": each.pointer, "cause": each.cause, "mend": each.mend} for each in found.problems],
        "lines": lines(before, found.text),
        "unchanged": before == found.text,
        "tools": [
            {"name": each.name, "category": each.category, "known": each.known, "agrees": each.agrees}
            for each in applied.tools
            if each.name in names
        ],
        "missing": list(applied.missing),
        "extra": list(applied.extra),
        "different": list(applied.different),
        "opened": _opened(wish, found, names),
        "fill_ins": [each.facts() for each in applied.fill_ins if not wish.tool or _is_of(each.pointer, wish.tool)],
    }


def _is_of(pointer: str, tool: str) -> bool:
    return pointer.startswith(f"/tools/{escape(tool)}/")


def _opened(wish: _Wish, found: Look, names: Sequence[str]) -> list[str]:
    if wish.policy is None or found.document is None:
        return []
    return opened(Document.trusted(wish.policy.document), found.document, names)


def _forms(wish: _Wish, text: str) -> dict[str, Any]:
    """What the forms at the end carry to the builder."""
    assert wish.server is not None
    if wish.policy is None:
        draft = Draft(text, text, 0, wish.server.id, name=wish.server.name)
        return {"draft_of": draft, "hidden": draft.encoded(), "action": "/policies/new"}
    policy = wish.policy
    draft = Draft(text, policy.document, policy.revision, wish.server.id, name=policy.name)
    return {"draft_of": draft, "hidden": draft.encoded(), "action": f"/policies/{policy.id}/edit"}


routes: list[BaseRoute] = page("/catalogue/apply/{server_slug}", _look, role="policy_manager")

"""`/catalogue/attacks`: documented attacks as cases, what stops each, and what came of those that were run here."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.attacks import results
from toolgate.attacks.abuse import shipped
from toolgate.attacks.case import Case
from toolgate.attacks.reading import with_slug
from toolgate.attacks.results import Played
from toolgate.catalogue.entries import ToolEntry
from toolgate.control.pages.catalogue_reading import Reader, missing, reading
from toolgate.control.pages.routing import state
from toolgate.design.page import Page
from toolgate.errors import ToolgateError
from toolgate.site.abused import ENOUGH, abused_by
from toolgate.site.addressed import tool_link
from toolgate.site.attack import attack_page
from toolgate.site.attack_links import SECTION, kind_path, kinds_of, verdict_path
from toolgate.site.attacks import attacks_page, kind_page, verdict_page
from toolgate.site.frameworks import frameworks_page
from toolgate.site.verdicts import VERDICTS


def _all(_request: Request, reader: Reader) -> Page:
    return attacks_page(reader.here, shipped().cases)


def _frameworks(_request: Request, reader: Reader) -> Page:
    return frameworks_page(reader.here, shipped().cases)


def _of_kind(request: Request, reader: Reader) -> Page:
    kind, cases = request.path_params["kind"], shipped().cases
    return kind_page(reader.here, kind, cases) if kind in kinds_of(cases) else missing(reader)


def _with_verdict(request: Request, reader: Reader) -> Page:
    asked = request.path_params["verdict"]
    verdict = next((each for each in VERDICTS if each.lower() == asked), None)
    return verdict_page(reader.here, verdict, shipped().cases) if verdict else missing(reader)


def _attack(request: Request, reader: Reader) -> Page:
    case = with_slug(request.path_params["attack_slug"])
    if case is None:
        return missing(reader)
    links = [tool_link(reader.here, tool) for tool in _abused(request, reader, case)]
    last, unreadable = _last(request, reader, case)
    return attack_page(reader.here, case, links, last, unreadable)


def _abused(request: Request, reader: Reader, case: Case) -> list[ToolEntry]:
    catalogue, of = state(request).catalogue(), reader.organisation

    def find(category: str | None, signal: str | None) -> list[ToolEntry]:
        return catalogue.tools(category=category, signal=signal, organisation=of, limit=ENOUGH).items

    return abused_by(case, find)


def _last(request: Request, reader: Reader, case: Case) -> tuple[Played | None, str]:
    """What came of it here, for members alone: strangers learn nothing of how this installation stands."""
    if reader.actor is None:
        return None, ""
    try:
        return results.last(state(request).data).get(case.slug), ""
    except ToolgateError as error:
        return None, f"`{error.place}` {error.cause}: {error.mend}"


def _path(*parts: str) -> str:
    return "/" + "/".join(parts)


routes: list[BaseRoute] = [
    *reading(_path(SECTION), _all),
    *reading(_path(SECTION, "frameworks"), _frameworks),
    *reading(_path(*kind_path("{kind}")), _of_kind),
    *reading(_path(*verdict_path("{verdict}")), _with_verdict),
    *reading(_path(SECTION, "{attack_slug}"), _attack),
]

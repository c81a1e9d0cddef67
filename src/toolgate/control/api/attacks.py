"""The attack database: documented attacks as cases, what stops each, and what came of those that were run here."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query

from toolgate.attacks import results
from toolgate.attacks.abuse import shipped
from toolgate.attacks.case import Case, Verdict
from toolgate.attacks.reading import with_slug
from toolgate.attacks.results import Played
from toolgate.control.api.operation import Here, needs, resource
from toolgate.control.api.shapes.attacks import Attack, AttackList
from toolgate.site.attack import attack_facts
from toolgate.site.attack_links import attack_brief, one_line
from toolgate.store.described import when
from toolgate.store.errors import NotStored

router = resource("Catalogue")

AttackSlug = Annotated[
    str, Path(alias="attack_slug", max_length=240, description="Slug of the attack.", examples=["path-prefix-bypass"])
]
OfKind = Annotated[str | None, Query(max_length=40, description="A kind of attack.", examples=["path-traversal"])]
OfVerdict = Annotated[Verdict | None, Query(description="What a gateway does about it.")]


@router.get("/catalogue/attacks", response_model=AttackList, **needs("viewer"))
def list_attacks(here: Here, kind: OfKind = None, verdict: OfVerdict = None) -> dict[str, Any]:
    """List the attacks of the attack database by number, each with what came of it when it was run here last."""
    last = results.last(here.data)
    fit = [case for case in shipped().cases if kind in (None, case.kind) and verdict in (None, case.verdict)]
    return {"items": [_listed(case, last.get(case.slug)) for case in fit]}


@router.get(
    "/catalogue/attacks/{attack_slug}", response_model=Attack, response_model_exclude_unset=True, **needs("viewer")
)
def show_attack(slug: AttackSlug, here: Here) -> dict[str, Any]:
    """Show an attack: how it works, where it is documented, what stops it, what does not, and what remains."""
    case = with_slug(slug)
    if case is None:
        raise NotStored("attack", f"there is no attack `{slug}`", "`/catalogue/attacks` lists all")
    last = results.last(here.data).get(slug)
    return {**attack_facts(case), "frameworks": _frameworks(case), "last": _last(last)}


def _listed(case: Case, last: Played | None) -> dict[str, Any]:
    return {**attack_brief(case), "summary": one_line(case.summary), "last": _last(last)}


def _frameworks(case: Case) -> dict[str, list[str]]:
    return {"owasp": list(case.owasp), "safe_mcp": list(case.safe_mcp), "practices": list(case.practices)}


def _last(last: Played | None) -> dict[str, Any] | None:
    if last is None:
        return None
    checks = [{"name": check.name, "held": check.held, "told": check.told} for check in last.checks]
    return {"held": last.held, "checks": checks, "at": when(last.at), "took": last.took, "version": last.version}

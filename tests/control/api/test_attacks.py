"""The attack database over the REST API: all of it for whoever may look, with what came of runs here."""

from __future__ import annotations

import json

from tests.control.api.asking import Program
from tests.control.running import Control

from toolgate.attacks.reading import all_cases
from toolgate.attacks.results import FILE, Check, Played, save
from toolgate.policy.document import parse

SLUG = "path-prefix-bypass"


async def test_all_attacks_are_listed_by_number_and_filtered(admin: Program) -> None:
    items = (await admin.get("/catalogue/attacks")).json["items"]
    assert [item["number"] for item in items] == [case.number for case in all_cases()]
    some = (await admin.get("/catalogue/attacks?kind=path-traversal&verdict=STOP")).json["items"]
    assert SLUG in [item["slug"] for item in some]
    assert {(item["kind"], item["verdict"]) for item in some} == {("path-traversal", "STOP")}
    assert (await admin.get("/catalogue/attacks?verdict=MAYBE")).status == 422


async def test_every_attack_is_shown_with_policies_that_are_valid(admin: Program) -> None:
    for case in all_cases():
        shown = (await admin.get(f"/catalogue/attacks/{case.slug}")).json
        assert (shown["attack"], shown["verdict"], shown["last"]) == (case.title, case.verdict, None)
        for policy in (*shown["policies"].values(), *shown["wrong"]["policies"].values()):
            parse(json.dumps(policy))
    assert (await admin.get("/catalogue/attacks/none")).status == 404


async def test_a_step_says_no_more_than_the_case(admin: Program) -> None:
    steps = (await admin.get(f"/catalogue/attacks/{SLUG}")).json["steps"]
    told = [step for step in steps if "call" not in step]
    assert told
    assert all(set(step) == {"from", "to", "text"} for step in told)


async def test_the_last_run_is_shown(control: Control, admin: Program) -> None:
    played = Played(SLUG, "STOP", [Check("bare", False, "nothing")], "", 1_795_000_000.0, 12, "1.2.3")
    save(control.state.data, [played])
    last = (await admin.get(f"/catalogue/attacks/{SLUG}")).json["last"]
    assert (last["held"], last["version"], last["at"]) == (False, "1.2.3", "2026-11-18T11:06:40Z")
    [listed] = [item for item in (await admin.get("/catalogue/attacks")).json["items"] if item["last"]]
    assert listed["slug"] == SLUG


async def test_results_that_cannot_be_read_are_a_problem_with_a_mend(control: Control, admin: Program) -> None:
    (control.state.data / FILE).write_text("{")
    answer = await admin.get("/catalogue/attacks")
    assert answer.status >= 400
    assert "run the attacks again" in json.dumps(answer.json)

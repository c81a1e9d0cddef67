"""Attacks against somebody's own policy: which it stops, by which rule, and which it does not."""

from __future__ import annotations

import json

import pytest

from toolgate.attacks.dressing import fits
from toolgate.attacks.own import Tried, try_all
from toolgate.attacks.reading import find
from toolgate.attacks.scene import OwnPolicy
from toolgate.attacks.stubs.stub import Definition, tool

GET = tool("fs_get", "Read a file from disk.", {"location_path": "Where.", "encoding": "How."})
REFUND = tool("issue_refund", "Refund a payment.", {"amount": {"type": "integer"}, "charge_id": "Which."})
SAY = tool("say", "Say hello.", {"words": "What."})
OWN = [GET, REFUND, SAY]
CASES = ["path-prefix-bypass", "symlink-escape", "batches", "refund-drain"]


def policy(tools: object) -> OwnPolicy:
    return OwnPolicy(json.dumps({"version": "1", "default": "deny", "tools": tools}), OWN)


def require(operator: str) -> object:
    return {"require": [{"conditions": [{"path": "args.location_path", "op": operator, "value": "/srv/jail"}]}]}


async def tried(own: OwnPolicy) -> dict[str, Tried]:
    told: list[tuple[int, int]] = []
    found = await try_all([find(slug) for slug in CASES], own, lambda done, of: told.append((done, of)))
    assert told == [(done, len(CASES)) for done in range(len(CASES))]
    return {each.slug: each for each in found}


@pytest.mark.slow
async def test_a_good_rule_is_named_and_what_the_gateway_does_by_itself_is_told_apart() -> None:
    found = await tried(policy({"fs_get": require("path_under")}))
    stopped = found["path-prefix-bypass"]
    assert (stopped.outcome, stopped.rule) == ("stopped", "/tools/fs_get/require/0")
    assert stopped.tools["read_file"] == "fs_get"
    assert found["batches"].outcome == "gateway"
    assert found["symlink-escape"].outcome == "cannot"
    assert not any(each.missing for each in found.values())


@pytest.mark.slow
async def test_a_tempting_rule_is_found_out() -> None:
    found = await tried(policy({"fs_get": require("starts_with"), "issue_refund": {}}))
    assert found["path-prefix-bypass"].outcome == "passes"
    assert found["refund-drain"].outcome == "passes"
    assert found["path-prefix-bypass"].missing


@pytest.mark.slow
async def test_what_no_tool_of_theirs_does_does_not_count() -> None:
    own = OwnPolicy(json.dumps({"version": "1", "default": "deny", "tools": {"say": {}}}), [SAY])
    found = await tried(own)
    assert found["path-prefix-bypass"].outcome == "no tool"
    assert not found["path-prefix-bypass"].counts


READ = tool("read_file", "Read a file.", {"path": "Path of the file."}, annotations={"readOnlyHint": True})
LIST = tool("list_dir", "List a folder.", {"path": "Path of the folder."}, annotations={"readOnlyHint": True})


def names(stub: list[Definition], theirs: list[Definition], **chosen: str) -> dict[str, str]:
    return {own: fit.name for own, fit in fits(stub, theirs, chosen).items()}


def test_one_tool_of_theirs_stands_for_one_of_a_stub_the_first_that_is_needed() -> None:
    assert names([READ, LIST], OWN) == {"read_file": "fs_get"}


def test_a_pair_that_a_person_chose_comes_first() -> None:
    other = tool("cat", "Print a file.", {"file": "Which file."})
    assert names([READ], [GET, other], read_file="cat") == {"read_file": "cat"}
    assert names([READ], [GET], read_file="gone") == {}


def test_arguments_go_into_the_parameter_of_the_same_kind_and_what_is_missing_is_filled_in() -> None:
    fit = fits([READ], OWN, {})["read_file"]
    outward = fit.outward({"path": "/etc/passwd"})
    assert outward == {"encoding": "x", "location_path": "/etc/passwd"}
    assert fit.inward(outward) == {"path": "/etc/passwd"}


def test_amounts_find_amounts() -> None:
    stub = tool("create_refund", "Refund a charge.", {"charge": "Which.", "amount": {"type": "integer"}})
    fit = fits([stub], OWN, {})["create_refund"]
    assert fit.outward({"charge": "ch_1", "amount": 9}) == {"charge_id": "ch_1", "amount": 9}

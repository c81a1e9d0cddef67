"""Limits under many callers at once, by one process and by two; the documents of the reference as written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from toolgate.store import grants

from .running import Gateway, Grant, Recorder

CALLERS = 64
TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("run", "remove", "test")]


def limited(most: int) -> dict[str, Any]:
    limits = [{"counter": "calls", "window": "month", "max": most, "scope": "grant"}]
    return {"version": "1", "default": "deny", "tools": {"run": {"limits": limits}}}


async def allowed(holders: list[Grant]) -> int:
    """How many of 64 calls at the same time pass, spread over the gateways."""
    answers = await asyncio.gather(*(holders[n % len(holders)].call("run", id_=n) for n in range(CALLERS)))
    assert {answer.status for answer in answers} == {200}
    return sum(not answer.denied for answer in answers)


@pytest_asyncio.fixture
async def pair(tmp_path: Path) -> AsyncIterator[list[Gateway]]:
    """Two gateways on one data directory."""
    both = [Gateway(tmp_path / "data", "--counters", "sqlite") for _ in range(2)]
    for gateway in both:
        await asyncio.to_thread(gateway.start)
    yield both
    for gateway in both:
        await asyncio.to_thread(gateway.close)


@pytest.mark.parametrize("most", [1, 10, 63])
async def test_64_callers_at_once_get_exactly_the_limit(gateway: Gateway, recorder: Recorder, most: int) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), limited(most))
    assert await allowed([grant]) == most
    assert len(recorder.calls) == most
    assert sum(decision.outcome == "allow" for decision in grant.decisions()) == most


@pytest.mark.slow
async def test_64_callers_over_two_gateways_get_exactly_the_limit(pair: list[Gateway], recorder: Recorder) -> None:
    server = pair[0].add_server(recorder.url, TOOLS)
    for most in (1, 10, 33, 63):
        grant = pair[0].grant(server, limited(most))
        assert await allowed([grant, replace(grant, gateway=pair[1])]) == most
    assert len(recorder.calls) == 1 + 10 + 33 + 63


@pytest.mark.slow
async def test_a_revoked_grant_is_refused_on_the_next_request_by_every_gateway(
    pair: list[Gateway], recorder: Recorder
) -> None:
    first = pair[0].grant(pair[0].add_server(recorder.url, TOOLS), limited(10))
    both = [first, replace(first, gateway=pair[1])]
    assert [(await grant.call("run")).status for grant in both] == [200, 200]
    grants.revoke(pair[0].engine, "test", first.id)
    await asyncio.to_thread(pair[0].settle)
    assert [(await grant.call("run")).status for grant in both] == [401, 401]


TEN_A_MINUTE = {"limits": [{"counter": "run_rate", "window": "minute", "max": 10, "scope": "grant"}]}
PERSON = {"deny_if": [{"conditions": [], "on_deny": "Requires human approval."}]}
DOCUMENTS: dict[str, tuple[dict[str, Any], str, str]] = {
    # document, what the agent reads of `run`, what of `test`; "" where the call passes
    "ten calls a minute": ({"default": "deny", "tools": {"run": TEN_A_MINUTE}}, "", "Unknown tool: test"),
    "a rate limit": ({"default": "allow", "tools": {"run": {"rate_limit": {"max": 10, "window": 60}}}}, "", ""),
    "no builds": (
        {"default": "allow", "tools": {"run": {"action": "deny", "reason": "no builds today"}}},
        "policy violation: `run` was refused. no builds today",
        "",
    ),
    "hidden": ({"default": "deny", "hide": ["remove"]}, "Unknown tool: run", "Unknown tool: test"),
    "a person": ({"default": "deny", "tools": {"run": PERSON}}, "Requires human approval.", "Unknown tool: test"),
}


@pytest.mark.parametrize(("document", "run", "test"), DOCUMENTS.values(), ids=DOCUMENTS.keys())
async def test_a_document_of_the_reference_is_enforced_as_written(
    gateway: Gateway, recorder: Recorder, document: dict[str, Any], run: str, test: str
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), {"version": "1", **document})
    for tool, wanted in (("run", run), ("test", test)):
        answer = await grant.call(tool)
        assert wanted in answer.text
        assert answer.json["result"]["isError"] is bool(wanted)
    assert len(recorder.calls) == [run, test].count("")


async def test_a_sliding_rate_limit_lets_exactly_ten_of_64_pass(gateway: Gateway, recorder: Recorder) -> None:
    """The eleventh of any sixty seconds; a calendar minute could turn over within the test, a sliding one cannot."""
    document = {"version": "1", "default": "allow", "tools": {"run": {"rate_limit": {"max": 10, "window": 3600}}}}
    grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), document)
    assert await allowed([grant]) == 10

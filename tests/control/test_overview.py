"""`/`: the numbers of the last day or week."""

from __future__ import annotations

import re
import time

import pytest
from tests.control.journalling import decided, record
from tests.control.running import Control

from toolgate.audit.records import Refused, Sum
from toolgate.store import grants, servers

NOW = time.time()


async def test_what_happened_is_counted(control: Control) -> None:
    server = servers.add(control.engine, "test", "files", "http://127.0.0.1:9/mcp").id
    grant = grants.add(control.engine, "test", server=server, policy=None, label="ci").grant.id
    mine = {"server_id": server, "grant_id": grant}
    await record(
        control.state.data,
        [
            decided("a", NOW, **mine),
            decided("b", NOW, outcome="deny", rule="/tools/run/deny_if/0", **mine),
            decided("c", NOW, outcome="wait", rule="/tools/run/require_approval", **mine),
            decided("old", NOW - 3 * 86_400, **mine),
            Sum(time=NOW, rule="/tools/run/deny_if/0", count=4, since=NOW, grant_id=grant, server_id=server),
            Refused(time=NOW, reason="unknown token", addresses="192.0.2.0/24", count=3, since=NOW),
        ],
    )
    browser = await control.signed_in("admin")
    day = (await browser.get("/overview.json")).json
    assert day["counts"] == {"decided": 7, "allowed": 1, "denied": 5, "waited": 1, "refused": 3}
    assert day["servers"] == [{"id": server, "name": "files", **day["counts"], "refused": 0}]
    assert day["grants"][0]["label"] == "ci"
    assert day["rules"][0] == {"rule": "/tools/run/deny_if/0", "denied": 5, "waited": 0}
    assert day["refusals"] == [{"reason": "unknown token", "refused": 3}]
    assert len(day["columns"]) == 24
    week = (await browser.get("/overview.json?span=7d")).json
    assert week["counts"]["allowed"] == 2
    assert len(week["columns"]) == 28
    page = (await browser.get("/")).text
    assert re.search(r'<svg class="chart".*?<title id="chart-title">Calls allowed', page, re.DOTALL)
    assert "No gateway answers" in page


async def test_who_is_no_admin_of_the_operator_hears_nothing_of_strangers(control: Control) -> None:
    await record(control.state.data, [Refused(time=NOW, reason="unknown token", addresses="a", count=3, since=NOW)])
    answer = await (await control.signed_in("policy_manager")).get("/overview.json")
    assert (answer.json["counts"]["refused"], answer.json["refusals"]) == (0, [])


@pytest.mark.slow
async def test_an_empty_installation_is_led_through_its_first_steps(control: Control) -> None:
    page = (await (await control.signed_in("admin")).get("/")).text
    assert "Add a server" in page
    assert "Nothing was called" in page

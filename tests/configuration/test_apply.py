"""What a configuration makes of a database: planned, done in one transaction, and nothing the second time."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.configuration.conftest import House, changed, lines, problems

from toolgate.configuration import apply as applying
from toolgate.configuration.problems import ConfigurationError
from toolgate.keys import token_digest
from toolgate.store import definitions, grants, policies, servers
from toolgate.store.definitions import Seen
from toolgate.store.errors import StoreError
from toolgate.store.headers import open_headers
from toolgate.store.variables import open_variables
from toolgate.store.view import View

pytestmark = pytest.mark.slow

POLICY = {"version": "1", "default": "deny"}


def described(**sections: Any) -> str:
    """A configuration as JSON, which is YAML."""
    return json.dumps({"version": "1", **sections})


SERVERS = {"cargo": {"url": "https://cargo.example/mcp"}}
POLICIES = {"careful": {"document": POLICY}, "open": {"document": {"version": "1", "default": "allow"}}}
GRANT = {"server": "cargo", "policy": "careful", "token_file": "ci.token"}
WHOLE = described(servers=SERVERS, policies=POLICIES, grants={"ci": GRANT})


def test_a_grant_is_made_with_its_token_in_a_file(house: House) -> None:
    house.apply(WHOLE)
    token = (house.directory / "ci.token").read_text()
    assert token.endswith("\n")
    [grant] = grants.every(house.engine, time.time())
    view = View.open(house.data)
    row = view.grant(token_digest(token.strip()))
    view.close()
    assert row is not None
    assert (row.id, grant.server, grant.policy, grant.principal) == (grant.id, "cargo", "careful", "ci")


def test_every_setting_of_a_server_arrives_and_each_change_is_named(house: House) -> None:
    house.environment = {"CRM": "s3cret"}
    (house.directory / "ca.pem").touch()
    first = {"url": "http://10.0.0.7/", "allow_private": True, "headers": {"Authorization": "Bearer env:CRM"}}
    house.apply(described(servers={"crm": first}))
    before = servers.get(house.engine, "crm")
    second = {
        "url": "https://crm.example/",
        "pin": True,
        "ca_file": "ca.pem",
        "headers": {"Authorization": "Bearer env:CRM", "X-New": "value:1"},
    }
    plan = house.apply(described(servers={"crm": second}))
    assert changed(plan) == [
        "~ server crm: http://10.0.0.7/ -> https://crm.example/, pinned, allow_private True -> False, "
        f"ca_file None -> {house.directory}/ca.pem, header x-new"
    ]
    after = servers.get(house.engine, "crm")
    assert (after.id, after.url, after.pin) == (before.id, "https://crm.example/", True)
    assert after.reach.ca_file == str(house.directory / "ca.pem")
    view = View.open(house.data)
    row = view.server(after.id)
    view.close()
    assert row is not None
    opened = open_headers(row.headers, row.id, house.sealer, {})
    assert opened == [("authorization", "Bearer s3cret"), ("x-new", "1")]


def test_no_secret_stands_in_the_database_or_in_what_administrators_did(house: House) -> None:
    house.environment = {"CRM": "s3cret"}
    for name in ("Authorization", "X-Other"):
        house.apply(described(servers={"crm": {"url": "https://crm.example/", "headers": {name: "env:CRM"}}}))
    told = "\n".join(house.content())
    assert "s3cret" not in told
    assert told.count('INSERT INTO "admin_events"') == 2


def test_a_url_becomes_a_command_under_the_same_id(house: House) -> None:
    house.apply(described(servers={"s": {"url": "https://a.example/", "headers": {"X-Key": "value:1"}}}))
    before = servers.get(house.engine, "s")
    wanted = described(servers={"s": {"command": ["srv", "two words"], "env": {"KEY": "value:ü"}}})
    assert changed(house.apply(wanted)) == [
        "~ server s: https://a.example/ -> srv 'two words', variable KEY, without x-key"
    ]
    view = View.open(house.data)
    row = view.server(before.id)
    view.close()
    assert row is not None
    assert (row.url, row.command) == ("", ("srv", "two words"))
    assert open_variables(row.headers, row.id, house.sealer, {}) == {"KEY": "ü"}
    assert changed(house.apply(wanted)) == []


def test_addresses_that_differ_only_at_their_end_are_different(house: House) -> None:
    long = "https://cargo.example/" + "a" * 100
    house.apply(described(servers={"cargo": {"url": long}}))
    house.apply(described(servers={"cargo": {"url": f"{long}b"}}))
    assert servers.get(house.engine, "cargo").url == f"{long}b"


def test_accepted_tools_of_a_pinned_server_stay_when_it_moves_and_other_ones_are_withheld(house: House) -> None:
    house.apply(described(servers={"cargo": {"url": "https://a.example/", "pin": True}}))
    seen = [Seen("run", "f1", "{}")]
    definitions.saw(house.engine, "test", "cargo", seen, trusted=True, protocol_revision="2026-07-28")
    house.apply(described(servers={"cargo": {"url": "https://b.example/", "pin": True}}))
    assert servers.get(house.engine, "cargo").protocol_revision is None
    definitions.saw(house.engine, "test", "cargo", [Seen("run", "f2", "{}"), Seen("new", "f3", "{}")])
    standing = {(it.name, it.fingerprint): it.status for it in definitions.of_server(house.engine, "cargo")}
    assert standing == {("run", "f1"): "current", ("run", "f2"): "withheld", ("new", "f3"): "withheld"}


def test_a_policy_gets_a_revision_only_for_another_text(house: House) -> None:
    house.apply(described(policies={"p": {"document": POLICY}}))
    assert changed(house.apply(described(policies={"p": {"document": POLICY}}))) == []
    other = {**POLICY, "description": "another"}
    assert changed(house.apply(described(policies={"p": {"document": other}}))) == ["~ policy p: revision 1 -> 2"]
    assert policies.get(house.engine, "p").revision == 2


def test_terms_of_a_grant_change_and_its_token_stays(house: House) -> None:
    house.apply(WHOLE)
    token = (house.directory / "ci.token").read_bytes()
    other = {**GRANT, "policy": "open", "principal": "ada", "labels": {"a": "b"}, "expires": "30d"}
    plan = house.apply(described(servers=SERVERS, policies=POLICIES, grants={"ci": other}))
    assert changed(plan) == ["~ grant ci: policy careful -> open, principal ci -> ada, labels, expires"]
    [grant] = grants.every(house.engine, time.time())
    assert (grant.policy, grant.principal, grant.labels) == ("open", "ada", {"a": "b"})
    assert grant.expires == grant.created + 30 * 86_400
    assert (house.directory / "ci.token").read_bytes() == token


def test_a_grant_that_ran_out_is_a_warning(house: House) -> None:
    house.apply(WHOLE)
    past = described(servers=SERVERS, policies=POLICIES, grants={"ci": {**GRANT, "expires": "2020-01-01"}})
    plan = house.apply(past)
    assert [warning.cause for warning in plan.warnings] == ["the grant `ci` is expired"]
    assert grants.every(house.engine, time.time())[0].state == "expired"


def test_a_command_that_may_fetch_another_program_tomorrow_is_a_warning(house: House) -> None:
    plan = house.preview(described(servers={"mail": {"command": "npx -y mailer"}}))
    (warning,) = plan.warnings
    assert (warning.place, warning.mend) == ("toolgate.yaml:1: /servers/mail", "name the version that was looked at")
    assert warning.cause.startswith("the command fetches `mailer` without saying which version")
    assert house.preview(described(servers={"mail": {"command": "npx -y mailer@1.0.15"}})).warnings == []


@pytest.mark.parametrize(
    ("grant", "cause"),
    [
        ({**GRANT, "server": "nobody"}, "there is no server `nobody`"),
        ({**GRANT, "policy": "nobody"}, "there is no policy `nobody`"),
        ({"server": "cargo", "policy": "careful"}, "has no `token_file`"),
        ({**GRANT, "expires": "2020-01-01"}, "would have expired already"),
        ({**GRANT, "token_file": "gone/ci.token"}, "cannot be used: No such file or directory"),
        ({**GRANT, "token_file": "toolgate.db/x"}, "cannot be used"),
        ({**GRANT, "token_file": "notes.txt"}, "holds something else than a token"),
        ({**GRANT, "token_file": "link"}, "is a link"),
        ({**GRANT, "token_file": "data"}, "holds something else than a token"),
        ({**GRANT, "token_file": "open/ci.token"}, "others may exchange files"),
        ({**GRANT, "token_file": "gone\ud7ff/" + "x" * 300}, "cannot be used"),
        ({**GRANT, "token_file": "/"}, "holds something else than a token"),
    ],
)
def test_a_grant_that_cannot_be_made_keeps_everything_from_being_done(house: House, grant: Any, cause: str) -> None:
    (house.directory / "notes.txt").write_text("my notes")
    (house.directory / "link").symlink_to("notes.txt")
    (house.directory / "open").mkdir()
    (house.directory / "open").chmod(0o777)
    before, files = house.content(), house.files()
    with pytest.raises(ConfigurationError) as caught:
        house.apply(described(servers=SERVERS, policies=POLICIES, grants={"ci": grant}))
    [(place, said)] = problems(caught)
    assert place == "toolgate.yaml:1: /grants/ci"
    assert cause in said
    assert (house.content(), house.files()) == (before, files)


def test_a_failing_step_undoes_the_steps_before_it_and_their_tokens(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, files = house.content(), house.files()

    def fail(*_arguments: object, **_named: object) -> None:
        raise StoreError("disk", "is full")

    monkeypatch.setattr(grants, "insert", fail)
    with pytest.raises(StoreError, match="is full"):
        house.apply(WHOLE)
    assert (house.content(), house.files()) == (before, files)


def test_a_dry_run_changes_nothing(house: House) -> None:
    house.apply(WHOLE)
    before, files = house.content(), house.files()
    plan = house.preview(described(servers=SERVERS, grants={"other": {**GRANT, "token_file": "b"}}), prune=False)
    assert changed(plan) == [f"+ grant other: cargo under careful, token in {house.directory}/b"]
    plan = house.preview(described(), prune=True)
    assert len(changed(plan)) == 4
    assert (house.content(), house.files()) == (before, files)


def test_pruning_removes_what_this_file_made_only(house: House) -> None:
    servers.add(house.engine, "ada", "mine", "https://mine.example/")
    policies.put(house.engine, "ada", "mine", json.dumps(POLICY))
    grants.add(house.engine, "ada", server="mine", policy="mine", label="mine")
    house.apply(described(name="other", servers={"theirs": {"url": "https://b.example/"}}))
    house.apply(WHOLE)
    plan = house.apply(described(), prune=True)
    assert changed(plan) == [
        "- grant ci: revoked",
        "- policy careful",
        "- policy open",
        "- server cargo",
    ]
    assert [server.name for server in servers.every(house.engine)] == ["mine", "theirs"]
    assert [policy.name for policy in policies.every(house.engine)] == ["mine"]
    assert changed(house.apply(described(), prune=True)) == []


def test_what_a_person_made_is_changed_by_a_file_that_names_it_but_never_pruned(house: House) -> None:
    servers.add(house.engine, "ada", "cargo", "https://old.example/")
    assert changed(house.apply(described(servers=SERVERS)))
    assert changed(house.apply(described(), prune=True)) == []
    assert servers.get(house.engine, "cargo").url == "https://cargo.example/mcp"


def test_pruning_is_refused_where_something_by_hand_needs_it(house: House) -> None:
    house.apply(WHOLE)
    grants.add(house.engine, "ada", server="cargo", policy="careful", label="hand")
    before = house.content()
    with pytest.raises(ConfigurationError) as caught:
        house.apply(described(), prune=True)
    assert [cause for _, cause in problems(caught)] == [
        "the policy `careful` would be removed, but the grant `hand` needs it",
        "the server `cargo` would be removed, but the grant `hand` needs it",
    ]
    assert house.content() == before


def test_a_grant_of_the_file_keeps_its_server_and_policy_from_being_pruned(house: House) -> None:
    house.apply(WHOLE)
    with pytest.raises(ConfigurationError) as caught:
        house.apply(described(grants={"ci": GRANT}), prune=True)
    assert [cause for _, cause in problems(caught)] == [
        "the policy `careful` would be removed, but the grant `ci` needs it",
        "the server `cargo` would be removed, but the grant `ci` needs it",
    ]


def test_a_grant_may_move_away_from_what_is_pruned(house: House) -> None:
    house.apply(WHOLE)
    moved = described(
        servers={"new": {"url": "https://new.example/"}},
        policies={"new": {"document": POLICY}},
        grants={"ci": {**GRANT, "server": "new", "policy": "new"}},
    )
    plan = house.apply(moved, prune=True)
    assert lines(plan) == [
        "+ server new: https://new.example/",
        "+ policy new",
        "~ grant ci: server cargo -> new, policy careful -> new",
        "- policy careful",
        "- policy open",
        "- server cargo",
    ]
    [grant] = grants.every(house.engine, time.time())
    assert (grant.server, grant.policy, grant.state) == ("new", "new", "active")


def test_another_file_that_names_the_same_takes_it_over(house: House) -> None:
    house.apply(WHOLE)
    other = json.dumps({**json.loads(WHOLE), "name": "other"})
    taken = f"taken over from {house.file}"
    assert changed(house.apply(other)) == [
        f"~ server cargo: {taken}",
        f"~ policy careful: {taken}",
        f"~ policy open: {taken}",
        f"~ grant ci: {taken}",
    ]
    assert changed(house.apply(other)) == []
    assert changed(house.apply(described(), prune=True)) == []


def test_a_label_that_several_grants_have_is_refused(house: House) -> None:
    servers.add(house.engine, "ada", "cargo", "https://cargo.example/mcp")
    for _ in range(2):
        grants.add(house.engine, "ada", server="cargo", policy=None, label="ci")
    with pytest.raises(ConfigurationError, match="2 living grants are labelled `ci`"):
        house.apply(WHOLE)


def test_a_grant_that_was_revoked_by_hand_is_made_anew_with_another_token(house: House) -> None:
    house.apply(WHOLE)
    token = (house.directory / "ci.token").read_bytes()
    grants.revoke(house.engine, "ada", "ci")
    assert changed(house.apply(WHOLE)) == [f"+ grant ci: cargo under careful, token in {house.directory}/ci.token"]
    assert (house.directory / "ci.token").read_bytes() != token


def test_a_secret_sealed_by_another_master_key_is_sealed_anew(house: House, tmp_path_factory: Any) -> None:
    text = described(servers={"s": {"url": "https://a.example/", "headers": {"X-Key": "value:1"}}})
    house.apply(text)
    elsewhere = House(tmp_path_factory.mktemp("elsewhere"))
    house.sealer = elsewhere.sealer
    elsewhere.engine.dispose()
    assert changed(house.apply(text)) == ["~ server s: header x-key"]
    assert changed(house.apply(text)) == []


def test_two_that_apply_at_once_make_one_of_each(house: House) -> None:
    with ThreadPoolExecutor(4) as pool:
        plans = list(pool.map(house.apply, [WHOLE] * 4))
    assert sorted(plan.changes for plan in plans) == [0, 0, 0, 4]
    assert len(servers.every(house.engine)) == 1


names = st.sampled_from(["a", "b", "c"])
a_server = st.fixed_dictionaries(
    {"url": st.sampled_from(["https://a.example/", "https://b.example/"])},
    optional={
        "pin": st.booleans(),
        "headers": st.dictionaries(st.sampled_from(["X-A", "X-B"]), st.sampled_from(["value:1", "value:2"])),
    },
) | st.fixed_dictionaries(
    {"command": st.sampled_from([["srv"], "srv --x 'y z'"])},
    optional={"env": st.dictionaries(st.sampled_from(["A", "B"]), st.sampled_from(["value:", "value:ü"]))},
)
a_policy = st.sampled_from([POLICY, {"version": "1", "default": "allow"}]).map(lambda it: {"document": it})


@st.composite
def installations(draw: st.DrawFn) -> str:
    """A whole configuration whose grants name what it describes."""
    wanted = draw(st.dictionaries(names, a_server, min_size=1))
    judged = draw(st.dictionaries(names, a_policy, min_size=1))
    a_grant = st.fixed_dictionaries(
        {"server": st.sampled_from(sorted(wanted)), "policy": st.sampled_from(sorted(judged))},
        optional={"expires": st.sampled_from(["30d", "never"]), "labels": st.just({"k": "v"})},
    )
    given_out = draw(st.dictionaries(names, a_grant))
    held = {label: {**grant, "token_file": f"{label}.token"} for label, grant in given_out.items()}
    return described(servers=wanted, policies=judged, grants=held)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(installations(), min_size=1, max_size=3))
def test_whatever_was_before_a_pruned_apply_ends_at_the_file_and_the_second_does_nothing(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    house = House(tmp_path_factory.mktemp("house"))
    for text in steps:
        planned = lines(house.preview(text, prune=True))
        assert lines(house.apply(text, prune=True)) == planned
        before, files = house.content(), house.files()
        assert changed(house.apply(text, prune=True)) == []
        assert (house.content(), house.files()) == (before, files)
        wanted = json.loads(text)
        assert {server.name for server in servers.every(house.engine)} == set(wanted["servers"])
        assert {policy.name for policy in policies.every(house.engine)} == set(wanted["policies"])
        living = {grant.label: grant for grant in grants.every(house.engine, 0.0) if grant.revoked is None}
        assert set(living) == set(wanted["grants"])
        for label, grant in living.items():
            assert (grant.server, grant.policy) == tuple(wanted["grants"][label][key] for key in ("server", "policy"))
    house.engine.dispose()


def test_only_one_applies_at_a_time_and_leaves_no_lock_behind(house: House) -> None:
    with applying._one_at_a_time(house.data):
        assert Path(house.data / "apply.lock").stat().st_mode & 0o777 == 0o600
    assert house.apply(described()).changes == 0

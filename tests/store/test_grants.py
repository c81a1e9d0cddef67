from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.keys import token_checks, token_digest
from toolgate.store import grants, policies, servers, tables
from toolgate.store.database import reading
from toolgate.store.errors import BadInput, NotStored, StoreError

DOCUMENT = '{"version": "1", "default": "deny"}'


@pytest.fixture(autouse=True)
def cargo(engine: Engine) -> servers.Server:
    policies.put(engine, "ada", "careful", DOCUMENT)
    policies.put(engine, "ada", "strict", DOCUMENT)
    return servers.add(engine, "ada", "cargo", "https://cargo.example/mcp")


def add(engine: Engine, label: str, **more: object) -> grants.Minted:
    return grants.add(engine, "ada", server="cargo", policy="careful", label=label, **more)  # type: ignore[arg-type]


def digest(engine: Engine, grant_id: str) -> bytes:
    with reading(engine) as connection:
        found = connection.scalar(sa.select(tables.grants.c.digest).where(tables.grants.c.id == grant_id))
    assert isinstance(found, bytes)
    return found


def test_a_token_is_minted_and_only_its_digest_stored(engine: Engine, data: Path) -> None:
    minted = add(engine, "ci")
    assert token_checks(minted.token)
    assert digest(engine, minted.grant.id) == token_digest(minted.token)
    for file in data.glob("toolgate.db*"):
        assert minted.token.encode() not in file.read_bytes()
    assert minted.token not in repr(minted)


def test_what_was_given_is_kept(engine: Engine, cargo: servers.Server) -> None:
    until = time.time() + 60
    grant = add(engine, "ci", principal="ada", labels={"tenant": "acme"}, expires=until).grant
    assert (grant.label, grant.principal, grant.labels, grant.expires) == ("ci", "ada", {"tenant": "acme"}, until)
    assert (grant.server_id, grant.server, grant.policy, grant.state) == (cargo.id, "cargo", "careful", "active")
    assert grants.every(engine, until + 1)[0].state == "expired"


def test_without_a_principal_the_label_is_the_holder(engine: Engine) -> None:
    assert add(engine, "ci").grant.principal == "ci"


@pytest.mark.parametrize(
    "wrong",
    [{"label": ""}, {"label": "a\nb"}, {"principal": "\t"}, {"labels": {"a b": "c"}}, {"expires": 1.0}],
)
def test_what_is_not_well_formed_makes_no_grant(engine: Engine, wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        add(engine, **{"label": "ci", **wrong})  # type: ignore[arg-type]
    assert grants.every(engine, 0.0) == []


def test_a_grant_needs_a_server_and_policy_that_exist(engine: Engine) -> None:
    with pytest.raises(NotStored):
        grants.add(engine, "ada", server="nowhere", policy="careful", label="ci")
    with pytest.raises(NotStored):
        grants.add(engine, "ada", server="cargo", policy="nothing", label="ci")
    assert grants.add(engine, "ada", server="cargo", policy=None, label="ci").grant.policy is None


def test_rotating_replaces_the_token(engine: Engine) -> None:
    first = add(engine, "ci")
    second = grants.rotate(engine, "ada", "ci")
    assert second.token != first.token
    assert second.grant.rotated is not None
    assert digest(engine, first.grant.id) == token_digest(second.token)


def test_a_revoked_grant_stays_revoked(engine: Engine) -> None:
    add(engine, "ci")
    revoked = grants.revoke(engine, "ada", "ci")
    assert revoked.state == "revoked"
    assert grants.revoke(engine, "ada", revoked.id) == revoked
    with pytest.raises(StoreError, match="is revoked"):
        grants.rotate(engine, "ada", revoked.id)
    with pytest.raises(StoreError, match="is revoked"):
        grants.attach(engine, "ada", revoked.id, "strict")


def test_attaching_puts_a_grant_under_another_policy(engine: Engine) -> None:
    add(engine, "ci")
    assert grants.attach(engine, "ada", "ci", "strict").policy == "strict"


def test_a_label_names_the_living_grant_among_its_namesakes(engine: Engine) -> None:
    old = add(engine, "ci").grant
    grants.revoke(engine, "ada", "ci")
    new = add(engine, "ci").grant
    assert grants.get(engine, "ci", 0.0).id == new.id
    assert grants.get(engine, old.id, 0.0).id == old.id
    add(engine, "ci")
    with pytest.raises(NotStored, match="2 grants are labelled `ci`") as caught:
        grants.get(engine, "ci", 0.0)
    assert new.id in caught.value.mend


def test_the_beginning_of_an_id_is_enough(engine: Engine) -> None:
    grant = add(engine, "ci").grant
    assert grants.get(engine, grant.id[:8], 0.0).id == grant.id
    for reference in (grant.id[:7], "%", "________", "zzzzzzzz"):
        with pytest.raises(NotStored):
            grants.get(engine, reference, 0.0)


def test_grants_are_listed_in_the_order_of_their_making(engine: Engine) -> None:
    servers.add(engine, "ada", "crm", "https://crm.example/mcp")
    made = [add(engine, label).grant.label for label in ("b", "a", "c")]
    grants.add(engine, "ada", server="crm", policy=None, label="other")
    assert [grant.label for grant in grants.every(engine, 0.0, "cargo")] == made
    assert len(grants.every(engine, 0.0)) == 4


def test_no_event_holds_a_token_or_its_digest(engine: Engine) -> None:
    first = add(engine, "ci")
    second = grants.rotate(engine, "ada", "ci")
    with reading(engine) as connection:
        events = str(connection.execute(sa.select(tables.admin_events)).all())
    for minted in (first, second):
        assert minted.token not in events
        assert token_digest(minted.token).hex() not in events

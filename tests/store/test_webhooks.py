"""Webhooks in the database: what is kept of them, and who may see it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.keys import MasterKey, Sealer
from toolgate.store import organisations, servers, webhooks
from toolgate.store.database import reading
from toolgate.store.errors import BadInput, NotStored
from toolgate.store.tables import admin_events
from toolgate.store.webhooks import PURPOSE, Made, Options, Webhook

URL = "https://hooks.example.com/services/T0/B0/secret-part"


@pytest.fixture
def sealer(data: Path, engine: Engine) -> Sealer:
    return MasterKey.load(data).sealer(PURPOSE)


def made(engine: Engine, sealer: Sealer, name: str = "ops", **options: Any) -> Made:
    terms = Options(**options)
    return webhooks.add(engine, "ada", sealer, name=name, url=URL, options=terms)


def events(engine: Engine) -> list[tuple[str, str, str]]:
    columns = (admin_events.c.actor, admin_events.c.action, admin_events.c.kind)
    with reading(engine) as connection:
        found = connection.execute(sa.select(*columns).where(admin_events.c.kind == "webhook").order_by("id"))
        return [(actor, action, kind) for actor, action, kind in found]


def test_url_and_secret_are_sealed_and_the_secret_is_shown_once(data: Path, engine: Engine, sealer: Sealer) -> None:
    new = made(engine, sealer)
    assert new.webhook.origin == "https://hooks.example.com"
    assert len(base64.b64decode(new.secret.removeprefix("whsec_"))) == 32
    target = webhooks.target(engine, sealer, new.webhook.id)
    assert (target.url, target.secret) == (URL, new.secret)
    engine.dispose()
    stored = b"".join(path.read_bytes() for path in data.glob("toolgate.db*"))
    assert b"secret-part" not in stored
    assert new.secret.encode() not in stored
    assert new.secret not in repr(new) + repr(target)


def test_every_change_is_an_event_without_secrets(engine: Engine, sealer: Sealer) -> None:
    new = made(engine, sealer)
    id_ = new.webhook.id
    webhooks.amend(engine, "bob", sealer, id_, name="night", options=Options(values=True), url=URL + "2")
    webhooks.renew(engine, "bob", sealer, id_)
    webhooks.switch(engine, "bob", id_, enabled=False)
    webhooks.switch(engine, "bob", id_, enabled=False)
    webhooks.switch(engine, "bob", id_, enabled=True)
    webhooks.remove(engine, "bob", id_)
    actions = ["add", "change", "rotate", "disable", "enable", "remove"]
    assert [action for _, action, _ in events(engine)] == actions
    with reading(engine) as connection:
        told = json.dumps(
            [list(row) for row in connection.execute(sa.select(admin_events.c.before, admin_events.c.after))]
        )
    assert "secret-part" not in told
    assert "whsec_" not in told


def test_a_new_secret_replaces_the_old_one_and_a_new_url_keeps_it(engine: Engine, sealer: Sealer) -> None:
    new = made(engine, sealer)
    changed = webhooks.renew(engine, "ada", sealer, new.webhook.id)
    assert changed.secret != new.secret
    webhooks.amend(engine, "ada", sealer, new.webhook.id, name="ops", options=Options(), url="https://other.example/x")
    target = webhooks.target(engine, sealer, new.webhook.id)
    assert (target.url, target.secret) == ("https://other.example/x", changed.secret)
    webhooks.amend(engine, "ada", sealer, new.webhook.id, name="ops", options=Options())
    assert webhooks.target(engine, sealer, new.webhook.id) == target


def test_messages_to_slack_have_no_secret(engine: Engine, sealer: Sealer) -> None:
    new = webhooks.add(engine, "ada", sealer, name="s", url=URL, format="slack")
    assert new.secret == ""
    with pytest.raises(BadInput, match="not signed"):
        webhooks.renew(engine, "ada", sealer, new.webhook.id)


def test_one_that_is_removed_is_gone_and_its_name_is_free(engine: Engine, sealer: Sealer) -> None:
    new = made(engine, sealer)
    webhooks.remove(engine, "ada", new.webhook.id)
    with pytest.raises(NotStored):
        webhooks.get(engine, new.webhook.id)
    with pytest.raises(NotStored):
        webhooks.target(engine, sealer, new.webhook.id)
    assert webhooks.every(engine) == []
    assert webhooks.enabled(engine) == {}
    again = made(engine, sealer)
    assert [one.id for one in webhooks.every(engine)] == [again.webhook.id]


def test_one_organisation_does_not_see_the_other(engine: Engine, sealer: Sealer) -> None:
    house = organisations.add(engine, "ada", "Other").id
    theirs = webhooks.add(engine, "eve", sealer, name="ops", url=URL, organisation=house).webhook
    ours = made(engine, sealer).webhook
    assert webhooks.every(engine) == [ours]
    assert webhooks.every(engine, organisation=house) == [theirs]
    for attempt in (
        lambda: webhooks.get(engine, theirs.id),
        lambda: webhooks.remove(engine, "ada", theirs.id),
        lambda: webhooks.renew(engine, "ada", sealer, theirs.id),
        lambda: webhooks.switch(engine, "ada", theirs.id, enabled=False),
        lambda: webhooks.amend(engine, "ada", sealer, theirs.id, name="x", options=Options()),
    ):
        with pytest.raises(NotStored):
            attempt()


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://hooks.example.com/x", False),
        ("https://10.0.0.7/x", False),
        ("https://169.254.169.254/latest", False),
        ("http://127.0.0.1:9000/", False),
        ("https://localhost/", False),
        ("https://[::1]/", False),
        ("https://user:pass@hooks.example.com/", True),
        ("https://hooks.example.com/#part", True),
        ("ftp://hooks.example.com/", True),
        ("javascript:alert(1)", True),
        ("", True),
    ],
)
def test_a_url_that_must_not_be_asked_is_refused(url: str, private: bool) -> None:
    with pytest.raises(BadInput, match="url"):
        webhooks.check_url(url, Options(allow_private=private))


@pytest.mark.parametrize("url", ["http://10.0.0.7/x", "http://127.0.0.1:9000/", "https://hooks.example.com/x?y=z"])
def test_a_private_url_is_accepted_where_the_webhook_allows_it(url: str) -> None:
    assert webhooks.check_url(url, Options(allow_private=True)) == url


@pytest.mark.parametrize(
    ("place", "terms"),
    [
        ("name", {"name": "ops"}),
        ("name", {"name": "not a name"}),
        ("servers", {"options": Options(servers=("nowhere",))}),
        ("format", {"format": "fax"}),
    ],
)
def test_bad_terms_are_refused_with_their_place(engine: Engine, sealer: Sealer, place: str, terms: Any) -> None:
    made(engine, sealer)
    with pytest.raises(BadInput) as refused:
        webhooks.add(engine, "ada", sealer, **{"name": "b", "url": URL, **terms})
    assert refused.value.place == place
    assert len(webhooks.every(engine)) == 1


def test_a_webhook_hears_of_its_servers_alone(engine: Engine, sealer: Sealer) -> None:
    server = servers.add(engine, "ada", "cargo", "https://mcp.example.com/mcp").id
    some: Webhook = made(engine, sealer, "some", servers=(server,)).webhook
    every = made(engine, sealer, "every").webhook
    assert (some.hears(server), some.hears("other")) == (True, False)
    assert every.hears("other")
    assert webhooks.get(engine, some.id) == some

"""Webhooks in the settings: admins make them, see how messages arrive, and are never shown what they typed again."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from tests.control.running import Control

from toolgate.store import deliveries, organisations, servers, webhooks
from toolgate.store.webhooks import PURPOSE

from .desk import Receiver, webhook

URL = "https://hooks.example.com/services/T0/secret-part"
FORM = {"name": "ops", "format": "generic", "url": URL, "which": "every", "links": "open"}
PATH = "/settings/webhooks"


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver.running() as running:
        yield running


async def test_a_new_webhook_shows_its_secret_once_and_its_address_never(control: Control) -> None:
    browser = await control.signed_in("admin")
    assert "No webhooks yet" in (await browser.get(PATH)).text
    made = await browser.post(PATH, FORM)
    assert made.status == 200
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", made.text)
    (hook,) = webhooks.every(control.engine)
    target = webhooks.target(control.engine, control.state.master.sealer(PURPOSE), hook.id)
    assert (target.url, target.secret) == (URL, secret)
    for path in (PATH, f"{PATH}.json", f"{PATH}/{hook.id}", f"{PATH}/{hook.id}.json", f"{PATH}/{hook.id}/remove"):
        page = await browser.get(path)
        assert page.status == 200
        assert "secret-part" not in page.text
        assert secret not in page.text
        assert (page.headers["cache-control"], "hooks.example.com" in page.text or "remove" in path) == (
            "no-store",
            True,
        )


@pytest.mark.slow
async def test_what_is_wrong_is_said_beside_its_field_and_the_address_is_not_kept(control: Control) -> None:
    browser = await control.signed_in("admin")
    for wrong, words in (
        ({"name": "not a name"}, "is not a name"),
        ({"url": "http://hooks.example.com/secret-part"}, "in the clear"),
        ({"url": "https://10.1.2.3/secret-part"}, "not a public address"),
        ({"url": "http://127.0.0.1/secret-part"}, "this machine itself"),
        ({"format": "fax"}, "is not a format"),
        ({"links": "all"}, "not one of the choices"),
        ({"which": "some"}, "no server is chosen"),
        ({"which": "some", "server": "nowhere"}, "there is no server"),
    ):
        page = await browser.post(PATH, {**FORM, **wrong})
        assert (page.status, words in page.text) == (422, True), wrong
        assert 'value="http' not in page.text
    assert webhooks.every(control.engine) == []


@pytest.mark.slow
async def test_a_webhook_is_changed_rests_and_is_removed(control: Control) -> None:
    browser = await control.signed_in("admin")
    server = servers.add(control.engine, "test", "shop", "https://shop.example.com/mcp").id
    made = webhook(control.state, URL)
    path = f"{PATH}/{made.webhook.id}"
    form = {**FORM, "name": "night", "url": "", "which": "some", "server": [server], "values": "yes", "links": "none"}
    assert (await browser.post(path, form)).location == f"{path}?done=changed"
    hook = webhooks.get(control.engine, made.webhook.id)
    assert (hook.name, hook.options) == ("night", webhooks.Options(servers=(server,), values=True, links="none"))
    page = await browser.get(path)
    assert re.search(r'name="values" value="yes" checked', page.text)
    assert not re.search(r'name="allow_private" value="yes" checked', page.text)
    assert webhooks.target(control.engine, control.state.master.sealer(PURPOSE), hook.id).url == URL
    renewed = await browser.post(f"{path}/secret")
    assert made.secret not in renewed.text
    assert "whsec_" in renewed.text
    await browser.post(f"{path}/switch", {"do": "disable"})
    assert webhooks.get(control.engine, hook.id).disabled is not None
    await browser.post(f"{path}/switch", {"do": "enable"})
    assert webhooks.get(control.engine, hook.id).disabled is None
    assert (await browser.post(f"{path}/remove")).location == f"{PATH}?done=removed"
    assert (await browser.get(path)).status == 404


@pytest.mark.slow
async def test_a_test_is_sent_at_once_and_what_came_back_is_said(control: Control, receiver: Receiver) -> None:
    browser = await control.signed_in("admin")
    for format_ in ("generic", "slack"):
        hook = webhook(control.state, receiver.url, format_, format_).webhook
        assert (await browser.post(f"{PATH}/{hook.id}/test")).location == f"{PATH}/{hook.id}?done=tested"
    generic, slack = receiver.heard
    assert generic.json["type"] == "webhook.test"
    assert generic.headers["webhook-signature"].startswith("v1,")
    assert "This is a test" in slack.body.decode()

    async def broken(_request: web.Request) -> web.Response:
        return web.Response(status=410)

    receiver.answer = broken
    failed = await browser.post(f"{PATH}/{hook.id}/test")
    assert (failed.status, "answered 410" in failed.text) == (422, True)


@pytest.mark.slow
async def test_messages_that_failed_are_on_the_page(control: Control) -> None:
    browser = await control.signed_in("admin")
    hook = webhook(control.state, URL).webhook
    deliveries.enqueue(control.engine, [(hook.id, "apr_k3w9dqx2hm", "pending")])
    (waiting,) = deliveries.due(control.engine, time.time() + 1)
    claimed = deliveries.claim(control.engine, waiting)
    assert claimed is not None
    deliveries.failed(control.engine, claimed, "answered <b>500</b>", None)
    page = await browser.get(f"{PATH}/{hook.id}")
    assert "answered &lt;b&gt;500&lt;/b&gt;" in page.text
    (told,) = (await browser.get(f"{PATH}/{hook.id}.json")).json["deliveries"]
    assert (told["state"], told["attempts"], told["approval"]) == ("failed", 1, "apr_k3w9dqx2hm")


@pytest.mark.slow
async def test_only_admins_of_the_organisation_see_or_touch_webhooks(control: Control) -> None:
    hook = webhook(control.state, URL).webhook
    house = organisations.add(control.engine, "ada", "other").id
    path = f"{PATH}/{hook.id}"
    manager = await control.signed_in("policy_manager", approver=("*",))
    stranger = await control.signed_in("admin", organisation=house)
    nobody = await control.browser()
    assert (await nobody.get(PATH)).status == 303
    for read in (path, f"{path}.json", f"{path}/remove"):
        assert [(await who.get(read)).status for who in (manager, stranger)] == [403, 404]
    for write in (path, f"{path}/test", f"{path}/secret", f"{path}/switch", f"{path}/remove"):
        assert [(await who.post(write, FORM)).status for who in (manager, stranger)] == [403, 404]
        assert (await (await control.signed_in("admin")).post(write, {**FORM, "csrf": "forged"})).status == 403
    assert (await stranger.get(f"{PATH}.json")).json == {"webhooks": []}
    assert webhooks.get(control.engine, hook.id) == hook

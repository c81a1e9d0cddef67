"""Webhooks: where calls that wait for a person are announced."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from toolgate.control.api.creating import Creation, Key, Made
from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.shapes.approvals import Deliveries, MadeWebhook, NewWebhook, Tested, Webhook, WebhookChange
from toolgate.control.api.shapes.words import Page
from toolgate.control.inbox import sending
from toolgate.store import deliveries, described, webhooks
from toolgate.store.database import together
from toolgate.store.webhooks import PURPOSE, Options

router = resource("Webhooks")

WebhookId = Annotated[str, Path(max_length=64, description="The id of the webhook.")]


@router.get("/webhooks", response_model=Page[Webhook], **needs("admin"))
def list_webhooks(actor: Asker, here: Here) -> dict[str, object]:
    """List the webhooks by name."""
    found = webhooks.every(here.engine, organisation=actor.organisation)
    return {"items": [described.webhook(hook) for hook in found], "next": None}


@router.post("/webhooks", status_code=201, response_model=MadeWebhook, **needs("admin"))
def create_webhook(body: NewWebhook, request: Request, actor: Asker, here: Here, _key: Key = None) -> Response:
    """Make a webhook and show the secret that its messages are signed with, this once."""

    def make() -> Made:
        made = webhooks.add(
            here.engine,
            actor.name,
            here.master.sealer(PURPOSE),
            name=body.name,
            url=body.url,
            format=body.format,
            options=Options(
                servers=_listed(body.servers), values=body.values, links=body.links, allow_private=body.allow_private
            ),
            organisation=actor.organisation,
        )
        told = {**described.webhook(made.webhook), "secret": made.secret}
        return Made.of(MadeWebhook, told, f"/api/v1/webhooks/{made.webhook.id}")

    return Creation(request).once(make)


@router.get("/webhooks/{webhook}", response_model=Webhook, **needs("admin"))
def show_webhook(webhook: WebhookId, actor: Asker, here: Here) -> dict[str, Any]:
    """Show a webhook; never its secret, nor the whole of its URL."""
    return described.webhook(webhooks.get(here.engine, webhook, organisation=actor.organisation))


@router.patch("/webhooks/{webhook}", response_model=Webhook, **needs("admin"))
def change_webhook(webhook: WebhookId, body: WebhookChange, actor: Asker, here: Here) -> dict[str, Any]:
    """Change a webhook, or let it rest. What is not named stays."""
    with together(here.engine, actor.name, actor.organisation):
        found = webhooks.get(here.engine, webhook, organisation=actor.organisation)
        before = found.options
        options = Options(
            servers=before.servers if body.servers is None else _listed(body.servers),
            values=before.values if body.values is None else body.values,
            links=before.links if body.links is None else body.links,
            allow_private=before.allow_private if body.allow_private is None else body.allow_private,
        )
        after = webhooks.amend(
            here.engine,
            actor.name,
            here.master.sealer(PURPOSE),
            found.id,
            name=body.name if body.name is not None else found.name,
            url=body.url or "",
            options=options,
            organisation=actor.organisation,
        )
        if body.disabled is not None:
            after = webhooks.switch(
                here.engine, actor.name, found.id, enabled=not body.disabled, organisation=actor.organisation
            )
    return described.webhook(after)


@router.delete("/webhooks/{webhook}", response_model=Webhook, **needs("admin"))
def remove_webhook(webhook: WebhookId, actor: Asker, here: Here) -> dict[str, Any]:
    """Take a webhook away, with all links that it sent."""
    return described.webhook(webhooks.remove(here.engine, actor.name, webhook, organisation=actor.organisation))


@router.post("/webhooks/{webhook}/rotate", response_model=MadeWebhook, **needs("admin"))
def rotate_webhook(webhook: WebhookId, request: Request, actor: Asker, here: Here, _key: Key = None) -> Response:
    """Give a webhook a new secret and show it, this once; messages are signed with it from now on."""

    def make() -> Made:
        sealer = here.master.sealer(PURPOSE)
        made = webhooks.renew(here.engine, actor.name, sealer, webhook, organisation=actor.organisation)
        told = {**described.webhook(made.webhook), "secret": made.secret}
        return Made.of(MadeWebhook, told, f"/api/v1/webhooks/{made.webhook.id}", status=200)

    return Creation(request).once(make)


@router.post("/webhooks/{webhook}/test", response_model=Tested, **needs("admin", pure=True))
async def test_webhook(webhook: WebhookId, actor: Asker, here: Here) -> dict[str, Any]:
    """Send a message of a call that never was, and tell what came back."""
    hook = await run_in_threadpool(webhooks.get, here.engine, webhook, organisation=actor.organisation)
    sent = await sending.send(here, hook, sending.sample(here, hook), str(uuid.uuid4()))
    return {"delivered": not sent.error, "error": sent.error}


@router.get("/webhooks/{webhook}/deliveries", response_model=Deliveries, **needs("admin"))
def list_webhook_deliveries(webhook: WebhookId, actor: Asker, here: Here) -> dict[str, Any]:
    """List the latest messages of a webhook, and how they went."""
    hook = webhooks.get(here.engine, webhook, organisation=actor.organisation)
    return {"items": [described.delivery(sent) for sent in deliveries.recent(here.engine, hook.id)]}


def _listed(servers: str | list[str]) -> tuple[str, ...] | None:
    return None if isinstance(servers, str) else tuple(servers)

"""Signed links of webhooks: whoever holds one may see one call and, for as long as it waits, decide on it once.

A link names approval, webhook and end, under a key that only this installation has. Nothing of it is stored: it is as
good as its webhook (removed or resting, it opens nothing) and as its approval (exactly one decision counts).
"""

from __future__ import annotations

import base64
import binascii
import struct
import time
import uuid
from dataclasses import dataclass
from typing import Final

from toolgate.control.identity.actor import Actor
from toolgate.control.inbox.deciding import houses
from toolgate.control.state import State
from toolgate.keys import MasterKey
from toolgate.store import webhooks
from toolgate.store.approvals import Approval, ApprovalStore
from toolgate.store.errors import NotStored
from toolgate.store.webhooks import Webhook

PATH: Final = "/decide/"
_PURPOSE: Final = "approval link"
_FORM: Final = "approval link form"
_HEAD: Final = struct.Struct(">Q16s")
_MAC: Final = 32
_AT_MOST: Final = 400
KEPT: Final = 86_400
"""Seconds after its end for which a link still says what became of the call."""


@dataclass(slots=True, frozen=True)
class Link:
    """What a signed link says, once its signature was checked. `expires`: the moment at which its approval ends."""

    signed: str
    approval_id: str
    webhook_id: str
    expires: int


@dataclass(slots=True, frozen=True)
class Opened:
    """A link with what it leads to, as things stand now."""

    link: Link
    webhook: Webhook
    approval: Approval

    @property
    def actor(self) -> Actor:
        """The holder, who may decide on what the webhook hears of and do nothing else."""
        servers = self.webhook.options.servers
        approves = None if servers is None else frozenset(servers)
        return Actor(f"link:{self.webhook.name}", self.webhook.organisation, "viewer", approves)


def sign(master: MasterKey, approval: Approval, webhook: Webhook) -> str:
    """The signed part of the link in a webhook's message: the same in each try of a message."""
    body = _HEAD.pack(int(approval.expires), uuid.UUID(webhook.id).bytes) + approval.id.encode()
    return base64.urlsafe_b64encode(master.digest(_PURPOSE, body) + body).rstrip(b"=").decode()


def read(master: MasterKey, signed: str) -> Link:
    """What a link says. Raises NotStored for every text that this installation did not sign, or that is long over."""
    try:
        if len(signed) > _AT_MOST:
            raise _unknown()
        whole = base64.b64decode(signed + "=" * (-len(signed) % 4), altchars=b"-_", validate=True)
        mac, body = whole[:_MAC], whole[_MAC:]
        expires, webhook = _HEAD.unpack_from(body)
        approval = body[_HEAD.size :].decode("ascii")
    except (binascii.Error, struct.error, ValueError):
        raise _unknown() from None
    if not master.matches(_PURPOSE, body, mac) or time.time() > expires + KEPT:
        raise _unknown()
    return Link(signed, approval, str(uuid.UUID(bytes=webhook)), expires)


def follow(state: State, store: ApprovalStore, signed: str) -> Opened:
    """The call that a link shows. Raises NotStored: forged, of a webhook that is gone or rests, or of no call of it."""
    link = read(state.master, signed)
    webhook = webhooks.enabled(state.engine).get(link.webhook_id)
    if webhook is None or webhook.options.links == "none":
        raise _unknown()
    approval = store.exact(link.approval_id, houses(webhook.organisation))
    if not webhook.hears(approval.server_id):
        raise _unknown()
    return Opened(link, webhook, approval)


def form_token(master: MasterKey, link: Link) -> str:
    """What the form of a link's page sends back: whoever acts has read that page, not only the address."""
    return master.digest(_FORM, link.signed.encode()).hex()


def form_checks(master: MasterKey, link: Link, given: str) -> bool:
    """Whether this is the token of that page."""
    try:
        return master.matches(_FORM, link.signed.encode(), bytes.fromhex(given))
    except ValueError:
        return False


def _unknown() -> NotStored:
    return NotStored("link", "this link decides nothing", "it was changed on its way, or its webhook is switched off")

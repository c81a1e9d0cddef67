"""Signed links: what this installation signed opens one call, and nothing else does."""

from __future__ import annotations

import base64
import secrets
import time
import uuid
from dataclasses import replace

import pytest
from tests.approvals.test_store import WANTED

from toolgate.control.inbox import links
from toolgate.keys import MasterKey
from toolgate.store.approvals import Approval
from toolgate.store.errors import NotStored
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.store.webhooks import Options, Webhook

MASTER = MasterKey(b"k" * 32)
END = int(time.time()) + 600
WEBHOOK = Webhook(str(uuid.uuid4()), DEFAULT_ORGANISATION, "ops", "https://x", "generic", Options(), 0.0, None)
APPROVAL = Approval(
    **{name: getattr(WANTED, name) for name in WANTED.__slots__},
    id="apr_k3w9dqx2hm",
    created=END - 600.0,
    expires=END + 0.5,
    state="pending",
    decided_by="",
    decided_at=None,
    decision_reason="",
    used_by="",
)


def test_a_link_says_what_was_signed_and_is_the_same_each_time() -> None:
    signed = links.sign(MASTER, APPROVAL, WEBHOOK)
    assert links.sign(MASTER, APPROVAL, WEBHOOK) == signed
    read = links.read(MASTER, signed)
    assert (read.approval_id, read.webhook_id, read.expires) == (APPROVAL.id, WEBHOOK.id, END)
    assert signed.replace("-", "").replace("_", "").isalnum()
    assert links.sign(MASTER, replace(APPROVAL, id="apr_other00000"), WEBHOOK) != signed


def test_nothing_but_the_whole_link_is_one() -> None:
    signed = links.sign(MASTER, APPROVAL, WEBHOOK)
    whole = base64.urlsafe_b64decode(signed + "=" * (-len(signed) % 4))
    flipped = [
        base64.urlsafe_b64encode(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]).rstrip(b"=").decode()
        for at in range(len(whole))
    ]
    cut = [signed[:length] for length in range(len(signed))]
    made_up = [
        "",
        "x",
        "ä" * 20,
        "=" * 20,
        "\x00",
        signed + "AAAA",
        signed + "\n",
        "A" * 10_000,
        secrets.token_urlsafe(70),
    ]
    for forged in (*flipped, *cut, *made_up):
        with pytest.raises(NotStored):
            links.read(MASTER, forged)


def test_another_installation_signs_other_links() -> None:
    signed = links.sign(MasterKey(b"o" * 32), APPROVAL, WEBHOOK)
    with pytest.raises(NotStored):
        links.read(MASTER, signed)


def test_a_link_that_is_long_over_says_nothing_any_more() -> None:
    over = replace(APPROVAL, expires=time.time() - links.KEPT + 60)
    assert links.read(MASTER, links.sign(MASTER, over, WEBHOOK))
    with pytest.raises(NotStored):
        links.read(MASTER, links.sign(MASTER, replace(over, expires=over.expires - 120), WEBHOOK))


def test_a_rotation_of_the_key_leaves_links_whole() -> None:
    rotated = MasterKey(b"n" * 32, earlier=[b"k" * 32])
    assert links.read(rotated, links.sign(MASTER, APPROVAL, WEBHOOK)).approval_id == APPROVAL.id


def test_the_form_of_one_link_does_not_fit_another() -> None:
    one = links.read(MASTER, links.sign(MASTER, APPROVAL, WEBHOOK))
    other = links.read(MASTER, links.sign(MASTER, replace(APPROVAL, id="apr_other00000"), WEBHOOK))
    token = links.form_token(MASTER, one)
    assert links.form_checks(MASTER, one, token)
    for wrong in (links.form_token(MASTER, other), "", "zz", token[:-2], token + "00"):
        assert not links.form_checks(MASTER, one, wrong)

"""Conditions on a policy's revision: whoever replaces one says which one they have read (RFC 9110, section 13)."""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import Request

from toolgate.control.api.refusals import Refused
from toolgate.store.policies import Policy

_TAG: Final = re.compile(r'\s*(W/)?"([\x21\x23-\x7e]*)"\s*')


def etag(policy: Policy) -> str:
    """The entity tag of a policy at one revision."""
    return f'"{policy.revision}-{policy.digest[:16]}"'


def check_match(request: Request, current: Policy | None, *, required: bool) -> None:
    """Judge If-Match and If-None-Match against the policy as it is now (None: there is none).

    `required`: without If-Match the request is refused. Call it inside the transaction that writes. Raises Refused.
    """
    wanted, unwanted = request.headers.getlist("if-match"), request.headers.getlist("if-none-match")
    if unwanted and _matches(unwanted, current):
        raise _failed("If-None-Match", current, "the policy exists already", "leave the header out to revise it")
    if wanted:
        if not _matches(wanted, current):
            raise _failed("If-Match", current, "somebody has changed the policy since", "read it again and repeat")
    elif required and current is not None:
        cause = "is needed to revise a policy: it says which revision you have read"
        mend = f"send If-Match: {etag(current)} if that is revision {current.revision}, or If-Match: *"
        raise Refused(428, "if-match-needed", "Say which revision you have read", "If-Match", cause, mend)


def unchanged(request: Request, policy: Policy) -> bool:
    """Whether who reads has this revision already (If-None-Match)."""
    return _matches(request.headers.getlist("if-none-match"), policy)


def _matches(headers: list[str], current: Policy | None) -> bool:
    """Whether one of the tags is that of the policy; `*` is any, and a weak tag is none."""
    if current is None or not headers:
        return False
    text = ",".join(headers)
    if text.strip() == "*":
        return True
    tags = [_TAG.fullmatch(part) for part in text.split(",")]
    return any(tag is not None and not tag[1] and f'"{tag[2]}"' == etag(current) for tag in tags)


def _failed(header: str, current: Policy | None, cause: str, mend: str) -> Refused:
    if current is None:
        cause, mend = "there is no such policy", "leave the header out to make it"
    headers = {} if current is None else {"etag": etag(current)}
    return Refused(412, "changed-meanwhile", "Not the revision you have read", header, cause, mend, headers)

"""What a policy makes of a server's text before a model reads it: hidden characters and secrets out, or nothing passed.

Looks at whole messages of every kind. What changes nothing gives back the very object that came in.
"""

from __future__ import annotations

from typing import Final

from toolgate.gateway.call import Call, Ending
from toolgate.gateway.replies import NotUnderstood
from toolgate.policy.charges import BY_SIZE
from toolgate.policy.compiler import Policy
from toolgate.policy.decision import NANO
from toolgate.policy.redaction import Redaction
from toolgate.policy.responses import HIDDEN_TEXT, NO_RULES, Cap, HiddenText, Response
from toolgate.protocol import hidden_text
from toolgate.protocol.hidden_text import Filter, NoJson

HIDDEN_RULE: Final = "/hidden_text"


class Withheld(Exception):
    """The policy lets nothing of a message pass; `rule` is the place that says so."""

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        self.message = message


def mode_of(policy: Policy | None) -> HiddenText:
    """What happens to hidden characters, also where a grant has no policy."""
    return HIDDEN_TEXT[0] if policy is None else policy.hidden_text


def rules_for(call: Call) -> Response:
    """What the answer to a call must obey."""
    policy = call.access.policy
    return NO_RULES if policy is None else policy.response(call.message.method, call.tool)


def rules_for_anything(policy: Policy | None) -> Response:
    """What a message must obey that answers no request of the client."""
    return NO_RULES if policy is None else policy.anything


def cap_of(call: Call, rules: Response) -> Cap | None:
    """The most bytes that the answer may have: what the rules say now, and what was reserved when it was judged."""
    if not call.charges:
        return rules.cap
    caps = [Cap(charge.amount // NANO, charge.rule) for charge in call.charges if charge.settle == BY_SIZE]
    if rules.cap is not None:
        caps.append(rules.cap)
    return min(caps, key=lambda cap: cap.bytes, default=None)


def too_long(cap: Cap) -> Withheld:
    """Why an answer beyond the cap does not pass."""
    return Withheld(cap.rule, f"It is longer than the {cap.bytes} bytes that the policy lets pass.")


def must_be_whole(call: Call) -> bool:
    """Whether a rule of the policy needs the whole answer before anything of it is passed."""
    return mode_of(call.access.policy) == "deny" or bool(rules_for(call)) or cap_of(call, NO_RULES) is not None


def uncovered(raw: bytes, policy: Policy | None, ending: Ending) -> bytes:
    """A message without hidden characters, which are counted; raises Withheld, NotUnderstood."""
    mode = mode_of(policy)
    if mode == "pass":
        return raw
    try:
        text, removed = hidden_text.without(raw)
    except NoJson as error:
        raise NotUnderstood(error.cause) from None
    ending.removed += removed
    if removed and mode == "deny":
        raise Withheld(HIDDEN_RULE, "It holds characters that people do not see.")
    return text


def redacted(raw: bytes, rules: Response, ending: Ending) -> bytes:
    """A message without the secrets that the rules name, which are counted; raises NotUnderstood."""
    if not rules.detectors:
        return raw
    redaction = Redaction(rules.detectors)
    try:
        text = redaction.of(raw)
    except NoJson as error:
        raise NotUnderstood(error.cause) from None
    for name, count in redaction.found.items():
        ending.redacted = ending.redacted or {}
        ending.redacted[name] = ending.redacted.get(name, 0) + count
    return text


def error_page(body: bytes, call: Call, ending: Ending) -> bytes:
    """What may pass of the body of an HTTP error that is no message: nothing where rules for answers hold."""
    policy = call.access.policy
    mode = mode_of(policy)
    if rules_for(call):
        return b""
    text = body.decode(errors="replace")
    if mode == "pass" or hidden_text.is_plain(text):
        return body
    ending.removed += len(text) - len(plain := hidden_text.without_in_plain(text))
    return b"" if mode == "deny" else plain.encode()


class Unfiltered:
    """Stands in for a `Filter` where hidden characters may pass."""

    removed = 0

    def feed(self, piece: bytes) -> bytes:
        """The piece."""
        return piece

    def end(self) -> bytes:
        """Nothing is held back."""
        return b""


def filter_for(call: Call) -> Filter | Unfiltered:
    """What a long answer passes through on its way."""
    return Unfiltered() if mode_of(call.access.policy) == "pass" else Filter()

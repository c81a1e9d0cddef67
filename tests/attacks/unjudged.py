"""`python -m tests.attacks.unjudged serve ...`: the gateway with its judgement off, for the test of the tests."""

from __future__ import annotations

from toolgate.__main__ import main
from toolgate.gateway import enforcement, inspection
from toolgate.gateway.access import Access, Tools
from toolgate.gateway.call import Call
from toolgate.policy.compiler import Policy
from toolgate.policy.decision import Verdict


def switch_off() -> None:
    """Every message is allowed, every tool shown, no version withheld, every answer passed as it came."""
    enforcement.judge = _allow
    switched: list[tuple[type, str, object]] = [
        (Access, "shows", lambda *_: True),
        (Tools, "pinned", lambda *_: False),
        (Policy, "judge_method", lambda *_: Verdict("allow", "")),
        (inspection.Inspector, "inspect", _passed),
    ]
    for place, name, instead in switched:
        setattr(place, name, instead)


def _allow(call: Call, now: float) -> Verdict:
    return Verdict("allow", "")


def _passed(self: inspection.Inspector, raw: bytes, call: Call, ending: object) -> inspection.Inspected:
    return inspection.Inspected(raw, answer=True)


if __name__ == "__main__":
    switch_off()
    main()

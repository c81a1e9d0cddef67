"""What the parts of a case can tell by themselves."""

from __future__ import annotations

from toolgate.attacks.case import Effect, Sending


def test_effects_are_seen_in_what_was_noted() -> None:
    noted = {"sent": ["to ann", "to bob"]}
    assert Effect("s", "sent", contains="ann").holds(noted)
    assert not Effect("s", "sent", contains="eve").holds(noted)
    assert Effect("s", "sent", at_least=2).holds(noted)
    assert not Effect("s", "sent", at_least=3).holds(noted)
    assert Effect("s", "sent", exactly=2).holds(noted)
    assert Effect("s", "gone", absent=True).holds(noted)
    assert not Effect("s", "sent", absent=True).holds(noted)


def test_what_is_sent_is_written_in_its_encoding_with_its_filling() -> None:
    assert Sending("", body="[<fill>]", filling="ab", times=2).wire == b"[abab]"
    assert Sending("", body="é", encoding="latin-1", hex="efbbbf").wire == b"\xef\xbb\xbf\xe9"
    assert Sending("", body="\ud800").wire == b"\xed\xa0\x80"

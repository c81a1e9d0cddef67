"""What `toolgate attack run` prints."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from toolgate.attacks.own import OUTCOMES, Tried
from toolgate.attacks.results import TITLES, Played
from toolgate.cli import printing
from toolgate.cli.attack_chosen import STYLES
from toolgate.store.names import shown


def tell_played(played: Sequence[Played], *, as_json: bool) -> None:
    """Each attack with whether it is as its case says, and what is not."""
    if as_json:
        printing.emit_json([msgspec.to_builtins(each) for each in played])
        return
    rows = [(each.verdict, each.slug, "as documented" if each.held else "NOT so", each.rule) for each in played]
    printing.table(("verdict", "attack", "result", "rule"), rows, "nothing was played", STYLES)
    for each in played:
        for check in each.checks:
            if not check.held:
                printing.say(f"{each.slug}: not so: {TITLES[check.name]}: {check.told}")
    good, took = sum(each.held for each in played), sum(each.took for each in played) / 1000
    printing.say(f"{good} of {len(played)} attacks are as documented ({took:.1f} s)")


def tell_tried(tried: Sequence[Tried], *, as_json: bool) -> None:
    """Each attack with what somebody's policy does about it, and by which rule."""
    if as_json:
        printing.emit_json([msgspec.to_builtins(each) for each in tried])
        return
    rows = [(each.slug, OUTCOMES[each.outcome], each.rule, ", ".join(_pairs(each))) for each in tried]
    printing.table(("attack", "result", "rule", "tools"), rows, "nothing was tried")
    counted = [each for each in tried if each.counts]
    missing = [each for each in counted if each.missing]
    for each in missing:
        printing.say(f"{each.slug}: {each.told}; `toolgate attack show {each.slug}` says what stops it")
    printing.say(f"{len(counted) - len(missing)} of {len(counted)} attacks that apply are stopped or limited")


def _pairs(tried: Tried) -> list[str]:
    return [f"{shown(theirs)} for {own}" for own, theirs in tried.tools.items() if own != theirs]

"""`toolgate attack`: the attack database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

import msgspec
import typer

from toolgate.attacks.case import Case, Verdict
from toolgate.attacks.kinds import KINDS
from toolgate.attacks.reading import find
from toolgate.cli import printing
from toolgate.cli.attack_chosen import STYLES, KindOption, VerdictOption, chosen
from toolgate.cli.groups import MixedGroup, new_group
from toolgate.cli.options import JsonOption, examples
from toolgate.site.verdicts import GRADES, VERDICTS


class AttackGroup(MixedGroup):
    """`toolgate attack`: reading is here, playing is loaded when it is asked for."""

    modules: ClassVar[Mapping[str, tuple[str, str]]] = {
        "run": ("toolgate.cli.attack_run", "Play attacks, or try them against a policy of yours."),
    }


app = new_group("Play documented attacks against a real gateway, and against your own policy.", AttackGroup)


@app.command("list", epilog=examples("toolgate attack list", "toolgate attack list --verdict NO --json"))
def list_(kind: KindOption = None, verdict: VerdictOption = None, as_json: JsonOption = False) -> None:
    """List the attacks with what a gateway can do about each.

    STOP: refused for certain. BOUND: the damage is limited to a number. PART: the action is stopped, something else
    remains. NO: a gateway cannot stop it.
    """
    cases = chosen((), kind, verdict)
    if as_json:
        printing.emit_json([_facts(case) for case in cases])
        return
    rows = [(case.verdict, case.number, case.slug, KINDS[case.kind].title) for case in cases]
    printing.table(("verdict", "no", "attack", "kind"), rows, "no attack fits", STYLES)


@app.command(epilog=examples("toolgate attack show path-prefix-bypass", "toolgate attack show 22 --json"))
def show(
    attack: Annotated[str, typer.Argument(metavar="ATTACK", help="Slug or number of the attack.")],
    as_json: JsonOption = False,
) -> None:
    """Print one attack: how it works, what stops it, what does not, and what remains."""
    case = find(attack)
    if as_json:
        printing.emit_json(msgspec.to_builtins(case))
        return
    printing.fields(
        {
            "attack": f"{case.number} {case.slug}",
            "title": case.title,
            "kind": KINDS[case.kind].title,
            "verdict": f"{case.verdict}: {VERDICTS[case.verdict].means}",
        }
    )
    for title, text in _texts(case):
        _part(title.upper(), *text.strip().splitlines())
    for source in case.sources:
        when = f", {source.date}" if source.date else ""
        _part(f"source ({GRADES[source.grade].word}): {source.title}{when}", f"  {source.url}", f"  {source.says}")


_POLICY: Final[dict[Verdict, str]] = {
    "STOP": "policy that stops it",
    "BOUND": "policy that limits it",
    "PART": "policy that stops a part of it",
    "NO": "policy that it gets past",
}


def _part(*lines: str) -> None:
    """These lines, after an empty one."""
    for line in ("", *lines):
        printing.say(line)


def _facts(case: Case) -> dict[str, object]:
    return {"number": case.number, "slug": case.slug, "title": case.title, "kind": case.kind, "verdict": case.verdict}


def _texts(case: Case) -> list[tuple[str, str]]:
    """What there is to read, in order."""
    found = [("what happens", case.summary), ("how it works", case.how)]
    found += [(f"{_POLICY[case.verdict]} ({server})", text) for server, text in case.policies.items()]
    found += [(f"policy that does not ({server})", text) for server, text in case.wrong.policies.items()]
    if case.wrong.setting:
        found.append(("what does not stop it", case.wrong.setting))
    found += [("why not", case.wrong.reason), ("what remains", case.residual)]
    if case.companion is not None:
        found.append(("what helps besides", case.companion.text))
    if case.command:
        found.append(("command", case.command))
    return found

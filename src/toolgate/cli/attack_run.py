"""`toolgate attack run`: attacks played as they stand, or tried against a policy of the user's own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from toolgate.attacks.case import Case
from toolgate.attacks.own import try_all
from toolgate.attacks.reports import Row, badge, junit, rows_of
from toolgate.attacks.results import save
from toolgate.attacks.scene import OwnPolicy
from toolgate.attacks.suite import play_all
from toolgate.cli import exits
from toolgate.cli.attack_chosen import KindOption, VerdictOption, chosen
from toolgate.cli.attack_own import MapOption, PolicyOption, ServerOption, ToolsOption, own_policy
from toolgate.cli.attack_told import tell_played, tell_tried
from toolgate.cli.files import write_text
from toolgate.cli.groups import new_command
from toolgate.cli.options import DataOption, JsonOption, data_directory, examples
from toolgate.cli.progress import progress
from toolgate.store.errors import BadInput

app = new_command()


@app.command(
    epilog=examples(
        "toolgate attack run",
        "toolgate attack run path-prefix-bypass 44 --json",
        "toolgate attack run --junit attacks.xml --badge attacks.svg",
        "toolgate attack run --policy policy.json --server files",
        "toolgate attack run --policy policy.json --tools t.jsonl --map read=get",
    )
)
def run(  # noqa: PLR0913, PLR0917 - what is played, against what, and where the reports go
    attacks: Annotated[
        list[str] | None, typer.Argument(metavar="ATTACKS", help="Slugs or numbers; all attacks without any.")
    ] = None,
    kind: KindOption = None,
    verdict: VerdictOption = None,
    policy: PolicyOption = None,
    server: ServerOption = None,
    tools: ToolsOption = None,
    pairs: MapOption = None,
    junit_file: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML there, for a CI.")
    ] = None,
    badge_file: Annotated[
        Path | None, typer.Option("--badge", metavar="FILE", help="Write an SVG badge there.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play attacks on this machine: harmless servers on loopback, a gateway of their own, nothing outside is touched.

    Without --policy each attack is played bare, behind the gateway and under a tempting mistake, and its tools do
    honest work; all of it must be as the case says. With --policy they are played against your policy instead.
    Exit code 1: something was not so, or your policy lets through what a policy can stop.
    """
    cases = chosen(attacks or (), kind, verdict)
    if not cases:
        raise BadInput("ATTACKS", "no attack fits", "`toolgate attack list` names all")
    if policy is None and (server or tools or pairs):
        raise BadInput("--policy", "is missing: only an own policy has tools of its own", "name the file of a policy")
    logging.disable(logging.WARNING)  # the victims' client remarks on odd servers, and here they are meant to be odd
    files = Files(junit_file, badge_file)
    if policy is None:
        held = _play(cases, files, data_directory(data), as_json=as_json)
    else:
        held = _try(cases, own_policy(policy, server, tools, pairs or (), data), files, as_json=as_json)
    raise typer.Exit(exits.OK if held else exits.FINDINGS)


@dataclass(slots=True, frozen=True)
class Files:
    """Where reports go, None for nowhere."""

    junit: Path | None
    badge: Path | None

    def write(self, rows: Sequence[Row], good: int, of: int, word: str) -> None:
        """Write those that were asked for. Raises BadInput."""
        if self.junit is not None:
            write_text(self.junit, junit(rows))
        if self.badge is not None:
            write_text(self.badge, badge(good, of, word))


def _play(cases: Sequence[Case], files: Files, data: Path, *, as_json: bool) -> bool:
    with progress("attacks") as tell:
        played = asyncio.run(play_all(cases, tell))
    if data.is_dir():
        save(data, played)
    good = sum(each.held for each in played)
    files.write(rows_of(played), good, len(played), "as documented")
    tell_played(played, as_json=as_json)
    return good == len(played)


def _try(cases: Sequence[Case], own: OwnPolicy, files: Files, *, as_json: bool) -> bool:
    with progress("attacks") as tell:
        tried = asyncio.run(try_all(cases, own, tell))
    counted = [each for each in tried if each.counts]
    good = sum(not each.missing for each in counted)
    rows = [Row(each.slug, "is stopped or limited", not each.missing, each.told, each.took / 1000) for each in counted]
    files.write(rows, good, len(counted), "stopped")
    tell_tried(tried, as_json=as_json)
    return good == len(counted)

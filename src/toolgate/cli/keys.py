"""`toolgate keys`: the master key, and replacing it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from toolgate.cli import exits, printing
from toolgate.cli.groups import new_group
from toolgate.cli.installation import Installation
from toolgate.cli.options import WAIT, DataOption, JsonOption, actor, examples
from toolgate.keyfiles import KeyFiles
from toolgate.rotation import Held, Ring, Rotated

app = new_group("Replace the master key while everything goes on.")

WaitOption = Annotated[
    float,
    typer.Option("--wait", min=0, metavar="SECONDS", help="How long running processes may take to confirm a step."),
]


@app.command(epilog=examples("toolgate keys show", "toolgate keys show --json"))
def show(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the keys, the one in use first, and how many records each of them seals."""
    ring = _ring(Installation.at(data), WAIT, as_json)
    held = ring.show()
    if as_json:
        printing.emit_json([_described(key) for key in held])
        return
    head = ("key", "use", "since", "replaced", "records")
    printing.table(head, [_row(key) for key in held], "no keys")


@app.command(epilog=examples("toolgate keys rotate --dry-run", "toolgate keys rotate"))
def rotate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done, and who would confirm.")] = (
        False
    ),
    wait: WaitOption = WAIT,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a new master key in use and seal every record with it; no call is refused meanwhile.

    Finishes a rotation that was begun. The earlier key stays until it is retired.
    """
    place = Installation.at(data)
    ring = _ring(place, wait, as_json)
    if dry_run:
        _foretell(place, ring, as_json)
        return
    rotated = ring.rotate()
    if as_json:
        records = {name: asdict(result) for name, result in rotated.records.items()}
        printing.emit_json({"old": rotated.old, "new": rotated.new, "records": records})
    else:
        printing.say(f"rotated: key {rotated.new} is in use; back up {KeyFiles.of(place.data).path}")
        printing.say(f"`toolgate keys retire {rotated.old}` deletes the earlier key when nothing needs it any more")
    _leave_if_broken(rotated)


@app.command(epilog=examples("toolgate keys retire d69f85f3", "toolgate keys retire d69f85f3 --now"))
def retire(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Id of an earlier key, or how it begins.")],
    now: Annotated[
        bool, typer.Option("--now", help="Also in the days after the rotation: clients may have to initialize anew.")
    ] = False,
    wait: WaitOption = WAIT,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete an earlier key for good, when no stored record needs it any more."""
    _ring(Installation.at(data), wait, as_json).retire(key, at_once=now)
    if as_json:
        printing.emit_json({"retired": key})
    else:
        printing.say(f"retired key {key}: what it sealed opens no more")


def _ring(place: Installation, wait: float, as_json: bool) -> Ring:
    return Ring(place.data, place.engine, actor(), wait, (lambda _step: None) if as_json else printing.say)


def _foretell(place: Installation, ring: Ring, as_json: bool) -> None:
    """What a rotation would meet; leaves with 3 when a process does not confirm even the keys of now."""
    processes, held = ring.ask(), ring.show()
    under_way = KeyFiles.of(place.data).coming.exists()
    records = {name: sum(key.records.get(name, 0) for key in held) for key in held for name in key.records}
    if as_json:
        printing.emit_json({"under_way": under_way, "processes": processes, "records": records})
        return
    printing.say("would finish the rotation that was begun" if under_way else "would make a new key and put it in use")
    printing.say(f"would wait for {processes} processes, which all hold the keys of now")
    for name, number in sorted(records.items()):
        printing.say(f"would seal anew: {number} in {name}")


def _leave_if_broken(rotated: Rotated) -> None:
    broken = {name: result.broken for name, result in rotated.records.items() if result.broken}
    for name, number in broken.items():
        printing.warn(name, f"{number} records do not open with any key and stay as they are", "set them again")
    if broken:
        raise typer.Exit(exits.FINDINGS)


def _described(key: Held) -> dict[str, object]:
    return {**asdict(key), "since": printing.when(key.since), "replaced": printing.when(key.replaced)}


def _row(key: Held) -> tuple[object, ...]:
    records = ", ".join(f"{number} in {name}" for name, number in sorted(key.records.items()))
    return key.id, key.use, printing.when(key.since), printing.when(key.replaced), records

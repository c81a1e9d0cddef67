"""`toolgate audit`: the records of decisions, and whether they are what was written."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from toolgate.audit.checkpoints import FILE, CheckpointFile
from toolgate.audit.export import cleaned, described, summarised, verbatim
from toolgate.audit.filters import Filter
from toolgate.audit.prune import prune as prune_journal
from toolgate.audit.reader import ends, follow
from toolgate.audit.records import read_line
from toolgate.audit.trust import Trust
from toolgate.audit.verify import Report
from toolgate.audit.verify import verify as verify_journal
from toolgate.cli import exits, printing
from toolgate.cli.administration import Described
from toolgate.cli.chosen import log, refuse_elsewhere
from toolgate.cli.groups import new_group
from toolgate.cli.installation import Installation
from toolgate.cli.log_here import up_to_date
from toolgate.cli.options import DataOption, JsonOption, data_directory, examples
from toolgate.keys import MasterKey
from toolgate.store.errors import BadInput, StoreError
from toolgate.store.moments import SPANS
from toolgate.store.names import shown

app = new_group("Read and verify the records of decisions.")

_PEM_BEGIN = b"-----BEGIN "
LONGEST_WINDOW = 32 * 86_400
TABLE_LIMIT = 50

SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="Only newer ones: 2h, 30d, 2027-01-31T12:00.")
]


@app.command(
    "list",
    epilog=examples(
        "toolgate audit list --since 2h --outcome deny", "toolgate audit list --json --grant ci --tool run --limit 100"
    ),
)
def list_(
    grant: Annotated[str, typer.Option("--grant", metavar="G", help="Label or id of a grant.")] = "",
    tool: Annotated[str, typer.Option("--tool", metavar="T", help="Name of a tool.")] = "",
    outcome: Annotated[
        Literal["allow", "deny", "wait", "refused", "gap"] | None, typer.Option("--outcome", help="How it was decided.")
    ] = None,
    since: SinceOption = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Only the newest N; a table has 50 otherwise.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List records, oldest first: of allowed and denied calls, of requests without a grant, of gaps."""
    wanted = Filter(grant=grant, tool=tool, outcome=outcome or "", since=_past("--since", since))
    found = log(data).records(wanted, limit or (None if as_json else TABLE_LIMIT))
    if as_json:
        for record in found:
            printing.emit_json(record)
    else:
        head = ("time", "outcome", "grant", "tool", "rule", "message", "result")
        printing.table(head, [_row(record) for record in found], "no records")


@app.command(epilog=examples("toolgate audit tail", "toolgate audit tail --json | jq .tool"))
def tail(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show entries as they are written, until it is interrupted."""
    journal = data_directory(data) / "journal"
    for located in follow(journal, ends(journal)):
        record = described(located.chain, read_line(located.line))
        if as_json:
            printing.emit_json(record)
        else:
            printing.say("  ".join(map(printing.cell, _row(record))))
        sys.stdout.flush()


@app.command(
    epilog=examples(
        "toolgate audit export > records.jsonl", "toolgate audit export --format csv --since 30d > month.csv"
    )
)
def export(
    form: Annotated[
        Literal["jsonl", "csv"], typer.Option("--format", help="The journal's own lines, or a table of the records.")
    ] = "jsonl",
    since: SinceOption = None,
    checkpoints: Annotated[
        Path | None, typer.Option("--checkpoints", metavar="FILE", help="Copy the signed checkpoints here, too.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Write all records to standard output; as JSON lines with the checkpoints that vouch for them at the end."""
    if form == "jsonl" and since is not None:
        raise BadInput("--since", "would break the chain of hashes", "use it with --format csv")
    if form == "jsonl":
        refuse_elsewhere("export the journal's own lines there, or a table from here with --format csv")
        for line in verbatim(data_directory(data) / "journal"):
            sys.stdout.buffer.write(line)
    else:
        sys.stdout.writelines(log(data).table(_past("--since", since)))
    if checkpoints is not None:
        _copy_checkpoints(data_directory(data) / "journal" / FILE, checkpoints)


@app.command(
    epilog=examples(
        "toolgate audit verify",
        "toolgate audit verify --checkpoints /mnt/elsewhere/checkpoints.jsonl",
        "toolgate audit verify --data copy --public-key journal.pem",
    )
)
def verify(
    checkpoints: Annotated[
        Path | None, typer.Option("--checkpoints", metavar="FILE", help="Checkpoints that were copied elsewhere.")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option("--public-key", metavar="PEM", help="The journal's key, where master.key is not.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every hash and signature of the journal; leaves with 0 when it is whole, 1 when it is not."""
    place = data_directory(data)
    keys = _read_keys(public_key) if public_key is not None else _master(place).public_keys()
    if checkpoints is not None and not checkpoints.is_file():
        raise BadInput("--checkpoints", f"`{checkpoints}` is not a file", "give a copy of journal/checkpoints.jsonl")
    with _readable():
        report = verify_journal(place / "journal", keys, checkpoints)
    if as_json:
        printing.emit_json({"valid": report.valid, **asdict(report)})
    else:
        _print_report(report)
    if not report.valid:
        raise typer.Exit(exits.FINDINGS)


@app.command(epilog=examples("toolgate audit key > journal.pem"))
def key(data: DataOption = None) -> None:
    """Print the public keys that checkpoints are or were signed with, as PEM; the one in use first."""
    place = data_directory(data)
    with _readable():
        trust = Trust(_master(place).public_keys(), [place / "journal" / FILE])
    for public in trust.keys:
        typer.echo(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), nl=False)


@app.command(epilog=examples("toolgate audit prune --before 90d"))
def prune(
    before: Annotated[str, typer.Option("--before", metavar="WHEN", help="Remove what is older: 90d, 2027-01-31.")],
    data: DataOption = None,
) -> None:
    """Remove old entries; a signed checkpoint says so, and `verify` accepts it."""
    until = _past("--before", before)
    if until > time.time() - LONGEST_WINDOW:
        raise BadInput("--before", "is less than 32 days ago", "limits are counted from the journal: keep 32 days")
    place = data_directory(data)
    master = _master(place)
    with up_to_date(Installation.at(data).data) as index, _readable():
        files = CheckpointFile(place / "journal", master.signer(), master.id)
        removed = prune_journal(place / "journal", until, files)
        index.forget(until)
    printing.say(f"removed {len(removed)} segments")


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(str(error.filename or "journal"), f"cannot be read: {error.strerror}") from error


def _past(option: str, text: str | None) -> float:
    """A span back from now, or a date or time (UTC unless it says otherwise); 0 when nothing was said."""
    if text is None:
        return 0.0
    span = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    if span:
        return time.time() - int(span[1]) * SPANS[span[2]]
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        mend = "write a span back from now such as 2h or 30d, or a date such as 2027-01-31"
        raise BadInput(option, f"`{shown(text)}` is not a moment of the past", mend) from None


def _row(shown: Described) -> tuple[object, ...]:
    when, kind = f"{shown['time'][:19]}Z", shown["kind"]
    if kind == "decision":
        what = shown["tool"] or shown["method"]
        message = " ".join(filter(None, (shown["approval_id"], shown["message"])))
        ended = _ended(shown["result"] or {})
        return when, shown["outcome"], shown["grant_label"] or shown["grant_id"], what, shown["rule"], message, ended
    if kind == "outcome":
        return when, shown["result"], None, None, None, shown["decision_id"], shown["status"]
    if kind in {"start", "end"}:
        return when, kind, None, None, None, shown["node"], None
    rule = shown.get("rule") or shown.get("reason")
    return when, kind, shown.get("grant_label"), None, rule, summarised(shown), None


def _ended(result: Described) -> str | None:
    """How the call ended, and what was done to its answer. Records of older releases say nothing of that."""
    words = cleaned(result.get("removed", 0), result.get("redacted", {}), result.get("withheld", ""))
    return "; ".join(filter(None, (result.get("result"), words))) or None


def _print_report(report: Report) -> None:
    for finding in report.problems:
        printing.say(f"broken: {finding}")
    for finding in report.notes:
        printing.say(f"note: {finding}")
    counts = f"{report.entries} entries in {report.chains} chains, {report.checkpoints} checkpoints"
    printing.say(f"{'valid' if report.valid else 'broken'}: {counts}")


def _master(place: Path) -> MasterKey:
    """The key of this installation; none is made just to look at something."""
    if "TOOLGATE_MASTER_KEY_FILE" not in os.environ and not (place / "master.key").exists():
        raise BadInput(str(place), "has no master.key", "choose the directory with --data, or give --public-key")
    return MasterKey.load(place)


def _read_keys(path: Path) -> list[Ed25519PublicKey]:
    """The keys of a PEM file, of which one is enough."""
    try:
        blocks = path.read_bytes().split(_PEM_BEGIN)
        read = [load_pem_public_key(_PEM_BEGIN + block) for block in blocks[1:]]
    except (OSError, ValueError) as error:
        raise BadInput("--public-key", f"`{path}` cannot be read as a PEM key: {error}") from error
    keys = [key for key in read if isinstance(key, Ed25519PublicKey)]
    if not keys or len(keys) != len(read):
        raise BadInput("--public-key", f"`{path}` is not an Ed25519 key", "`toolgate audit key` prints the right one")
    return keys


def _copy_checkpoints(source: Path, target: Path) -> None:
    with _readable():
        if source.exists():
            shutil.copyfile(source, target)
        else:
            target.write_bytes(b"")

"""The records in the forms that other programs take: objects for JSON, rows for CSV, the journal's own lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from toolgate.audit.checkpoints import FILE, read_checkpoints
from toolgate.audit.reader import entries
from toolgate.audit.records import AnyEntry, Decision, Gap, Outcome, Refused, Sum

TIMES = ("time", "since", "resets_at")

CSV_HEAD = (
    "time",
    "chain",
    "seq",
    "kind",
    "decision_id",
    "outcome",
    "grant_id",
    "grant_label",
    "principal",
    "server_id",
    "method",
    "tool",
    "category",
    "risk",
    "rule",
    "message",
    "policy_id",
    "revision",
    "argument_names",
    "arguments_digest",
    "approval_id",
    "decided_by",
    "decided_in",
    "result",
    "status",
    "upstream_took",
    "removed",
    "redacted",
    "withheld",
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rfc3339(moment: float) -> str:
    """Epoch seconds as UTC with microseconds; text sorts as time does."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def described(chain: str, entry: AnyEntry, result: Outcome | None = None) -> dict[str, object]:
    """Everything an entry says as one JSON object with readable times; a decision has its outcome under `result`."""
    fields = _fields(entry)
    head: dict[str, object] = {"time": fields.pop("time"), "kind": kind_of(entry), "chain": chain}
    if isinstance(entry, Decision):
        fields["result"] = None if result is None else _fields(result)
    return head | fields


def kind_of(entry: AnyEntry) -> str:
    """The word in the line's `kind`."""
    return str(entry.__struct_config__.tag)


def _fields(entry: AnyEntry) -> dict[str, object]:
    fields = msgspec.to_builtins(msgspec.structs.asdict(entry))
    del fields["prev"]
    return {name: _readable(name, value) for name, value in fields.items()}


def _readable(name: str, value: object) -> object:
    if isinstance(value, dict):
        return {inner: _readable(inner, content) for inner, content in value.items()}
    if name in TIMES and isinstance(value, int | float):
        return rfc3339(value)
    return value


def csv_rows(found: Iterable[tuple[str, AnyEntry, Outcome | None]]) -> Iterator[list[str]]:
    """The head, then a row for each record. No cell is taken for a formula by a spreadsheet."""
    yield list(CSV_HEAD)
    for chain, entry, result in found:
        ended = {} if result is None else _cells(result)
        cells = ended | _cells(entry) | {"time": rfc3339(entry.time), "chain": chain, "kind": kind_of(entry)}
        yield [_harmless(cells.get(name, "")) for name in CSV_HEAD]


def _cells(entry: AnyEntry) -> dict[str, str]:
    fields = {name: value for name in CSV_HEAD if (value := getattr(entry, name, None)) is not None}
    cells = {name: _cell(value) for name, value in fields.items()}
    if isinstance(entry, Sum | Refused | Gap):
        cells["message"] = summary(entry)
    return cells


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}:{count}" for name, count in value.items())
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def cleaned(removed: int, redacted: Mapping[str, int], withheld: str) -> str:
    """What was done to the answer of a call, in words; "" for nothing. `withheld` is the rule that let it not pass."""
    said = [f"{removed} hidden character{'s' if removed != 1 else ''}"] if removed else []
    said += [f"{count} {name}" for name, count in redacted.items()]
    parts = [f"{', '.join(said)} found"] if said else []
    return "; ".join([*parts, f"withheld by {withheld}"] if withheld else parts)


def summary(entry: Sum | Refused | Gap) -> str:
    """What such an entry says, in words."""
    return summarised(described("", entry))


def summarised(shown: Mapping[str, object]) -> str:
    """The same of one that is described already."""
    if shown["kind"] == "sum":
        return f"{shown['count']} more of this rule"
    if shown["kind"] == "refused":
        return f"{shown['count']} requests from {shown['addresses']}"
    return f"{shown['cause']}; {shown['refused']} calls denied" if shown["ended"] else str(shown["cause"])


def verbatim(directory: Path) -> Iterator[bytes]:
    """Every line of the journal as it is, chain by chain, then every checkpoint: hashes and signatures hold."""
    for located in entries(directory):
        yield located.line
    for signed in read_checkpoints(directory / FILE):
        if signed.checkpoint is not None:
            yield signed.line

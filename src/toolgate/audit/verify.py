"""Whether the journal is what was written: every line linked to the one before, every checkpoint met.

The hash chain shows an entry edited, removed or moved anywhere but at the end; the signed checkpoints show a chain that
was rewritten, cut at its end, or taken away whole; a copy of them kept elsewhere shows the same when the checkpoints
here were cut too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from toolgate.audit.chain import ORIGIN, Head, hash_of
from toolgate.audit.checkpoints import FILE, Checkpoint, KeyChange, SignedLine, read_checkpoints
from toolgate.audit.recovery import Link, read_link
from toolgate.audit.segments import Segment, by_chain
from toolgate.audit.trust import Trust

_CUT: Final = "the checkpoint before this one was edited or removed"


@dataclass(slots=True, frozen=True)
class Finding:
    """One thing to say about a place: `line` counts from 1, 0 means the file as a whole."""

    file: str
    line: int
    cause: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.cause}" if self.line else f"{self.file}: {self.cause}"


@dataclass(slots=True)
class Report:
    """What was found. `notes` are legal: a torn last line, pruned entries, entries not yet covered by a checkpoint."""

    chains: int = 0
    entries: int = 0
    checkpoints: int = 0
    problems: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(slots=True)
class Claims:
    """What the checkpoints say of one chain: the hash of some of its entries, and from where they say it."""

    heads: dict[int, tuple[str, Finding]] = field(default_factory=dict)
    pruned: Head | None = None
    end: int | None = None

    def add(self, checkpoint: Checkpoint, place: Finding) -> None:
        """Take over what a signed checkpoint says."""
        head = Head(checkpoint.seq, checkpoint.hash)
        self.heads[head.seq] = (head.hash, place)
        if checkpoint.reason == "pruned" and (self.pruned is None or head.seq > self.pruned.seq):
            self.pruned = head
        if checkpoint.reason in {"closed", "sealed"}:
            self.end = head.seq

    @property
    def newest(self) -> int:
        """The number of the newest entry spoken of; -1 when there is none."""
        return max(self.heads, default=-1)

    def is_pruned(self, seq: int) -> bool:
        """Whether this entry was removed on purpose."""
        return self.pruned is not None and seq <= self.pruned.seq


def verify(directory: Path, keys: Sequence[Ed25519PublicKey], copy: Path | None = None) -> Report:
    """Read the whole journal and say what is wrong with it; `copy` is a file of checkpoints that was kept elsewhere.

    Of `keys` any that the journal was ever signed with is enough: those before and after it are vouched for. May run
    while gateways write. Raises OSError when a file cannot be read.
    """
    report = Report()
    begun = by_chain(directory).keys()
    claims: dict[str, Claims] = {}
    trust = Trust(keys, [directory / FILE, *([copy] if copy is not None else [])])
    own = _load(directory / FILE, trust, claims, report)
    if copy is not None:
        _compare(copy, own, _load(copy, trust, claims, report), report)
    chains = by_chain(directory)
    for chain in sorted(claims.keys() | begun):  # one that begins meanwhile may have no checkpoint that was read
        files = chains.get(chain, [])
        known = claims.get(chain, Claims())
        if files:
            _Walk(files, known, report).run()
        else:
            _judge_absent(chain, known, report)
    return report


def _load(path: Path, trust: Trust, claims: dict[str, Claims], report: Report) -> dict[str, int]:
    """Check the checkpoints of one file and take over the good ones; their hashes with the numbers of their lines."""
    lines: dict[str, int] = {}
    prev = ORIGIN
    trust.begin()
    for line in read_checkpoints(path):
        cause = _fault_of(line, trust, prev)
        if not line.line.endswith(b"\n"):
            report.notes.append(Finding(path.name, line.number, "the last line is torn"))
        elif cause:
            report.problems.append(Finding(path.name, line.number, cause))
        if not cause or cause == _CUT:
            lines[hash_of(line.line)] = line.number
            _claim(line, Finding(path.name, line.number, ""), claims, report)
        prev = hash_of(line.line)
    return lines


def _fault_of(line: SignedLine, trust: Trust, prev: str) -> str:
    """What is wrong with a line of a file of checkpoints that follows the one with the hash `prev`; "" for nothing."""
    statement = line.statement
    if statement is None:
        return "the line is no checkpoint"
    if not trust.accepts(line):
        return f"the checkpoint is not signed with the journal's key (it names key `{statement.key_id}`)"
    return _CUT if statement.prev != prev else ""


def _claim(line: SignedLine, place: Finding, claims: dict[str, Claims], report: Report) -> None:
    if line.checkpoint is not None:
        claims.setdefault(line.checkpoint.chain, Claims()).add(line.checkpoint, place)
        report.checkpoints += 1
    elif isinstance(line.statement, KeyChange):
        cause = f"key `{line.statement.key_id}` {line.statement.reason} key `{line.statement.names}`"
        report.notes.append(Finding(place.file, place.line, cause))


def _compare(copy: Path, own: dict[str, int], copied: dict[str, int], report: Report) -> None:
    for line, number in copied.items():
        if line not in own:
            cause = f"this checkpoint is missing from the journal's own `{FILE}`"
            report.problems.append(Finding(copy.name, number, cause))


def _judge_absent(chain: str, claims: Claims, report: Report) -> None:
    place = claims.heads[claims.newest][1]
    if claims.is_pruned(claims.newest):
        report.notes.append(Finding(place.file, place.line, f"chain {chain} was pruned as a whole"))
        return
    cause = f"chain {chain} was removed: it had {claims.newest + 1} entries"
    report.problems.append(Finding(place.file, place.line, cause))


class _Walk:
    """Goes through the segments of one chain. After a problem it goes on from the line found, so each is said once."""

    def __init__(self, files: list[Segment], claims: Claims, report: Report) -> None:
        self._files = files
        self._claims = claims
        self._report = report
        self._head: Head | None = Head(-1, ORIGIN)
        self._seen: set[int] = set()
        self._newest = -1
        self._file = ""
        self._line = 0

    def run(self) -> None:
        """Read every line, then compare with the checkpoints."""
        self._report.chains += 1
        for segment in self._files:
            self._file, self._line = segment.path.name, 0
            self._read(segment, segment is self._files[-1])
        self._judge_end()

    def _read(self, segment: Segment, last: bool) -> None:
        with segment.path.open("rb") as lines:
            for line in lines:
                self._line += 1
                if not line.endswith(b"\n"):
                    self._judge_torn(line, last)
                    return  # a process may be writing it just now: the rest is for the next reading
                self._step(line)

    def _judge_torn(self, line: bytes, last: bool) -> None:
        if last:
            self._note(f"the last line is torn ({len(line)} bytes): its process was stopped while it wrote")
        else:
            self._problem("the line has no end, but the chain goes on in another segment")

    def _step(self, line: bytes) -> None:
        self._report.entries += 1
        try:
            link = read_link(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._problem("the line is no entry")
            self._head = None
            return
        self._judge_link(link)
        self._head = Head(link.seq, hash_of(line))
        self._newest = max(self._newest, link.seq)
        self._judge_claim(self._head)

    def _judge_link(self, link: Link) -> None:
        head = self._head or Head(link.seq - 1, link.prev)
        if head.seq == -1 and self._claims.is_pruned(link.seq - 1):
            self._resume_after_pruning(link)
        elif link.seq > head.seq + 1:
            self._problem(f"entries {head.seq + 1} to {link.seq - 1} are missing before this line")
        elif link.seq <= head.seq:
            self._problem(f"entry {link.seq} is out of place after entry {head.seq}")
        elif link.prev != head.hash:
            self._problem(f"entry {link.seq} does not follow from the line before: one of the two was edited")

    def _resume_after_pruning(self, link: Link) -> None:
        """Pruning removes the oldest segments one by one: any of the declared ones may still be there."""
        pruned = self._claims.pruned
        if pruned is not None and link.seq == pruned.seq + 1 and link.prev != pruned.hash:
            self._problem(f"entry {link.seq} does not follow from the entry that the pruning ended with")
        self._note(f"entries 0 to {link.seq - 1} were pruned")

    def _judge_claim(self, head: Head) -> None:
        claim = self._claims.heads.get(head.seq)
        if claim is not None:
            self._seen.add(head.seq)
            if claim[0] != head.hash:
                self._problem(f"entry {head.seq} is not the one that {claim[1].file}:{claim[1].line} signed")
        if self._claims.end is not None and head.seq == self._claims.end + 1:
            self._problem("the chain had ended before this entry")

    def _judge_end(self) -> None:
        claims = self._claims
        self._line = self._line if claims.heads else 0
        if not claims.heads and self._newest > 0:
            self._problem("no checkpoint knows this chain")
        elif not claims.heads:
            self._note("its process was stopped while it started")
        for seq, (_, place) in claims.heads.items():
            if seq in self._seen or claims.is_pruned(seq):
                continue
            where = f"{place.file}:{place.line} signed entry {seq}"
            if seq > self._newest:
                self._problem(f"the end was cut: the chain ends with entry {self._newest}, but {where}")
            else:
                self._problem(f"an entry was removed: {where}")
        if claims.heads and self._newest > claims.newest:
            count = self._newest - claims.newest
            self._note(f"the last {count} entries are not yet covered by a checkpoint")

    def _problem(self, cause: str) -> None:
        self._report.problems.append(Finding(self._file, self._line, cause))

    def _note(self, cause: str) -> None:
        self._report.notes.append(Finding(self._file, self._line, cause))

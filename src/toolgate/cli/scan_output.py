"""What `toolgate scan` writes, and where; checked before anything is started."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import typer

from toolgate.catalogue.slugs import slug
from toolgate.classifier.tightened import Tightened, tighten
from toolgate.cli import exits, printing
from toolgate.cli.files import write_text
from toolgate.cli.scan_view import show
from toolgate.scanner.asking import Heard
from toolgate.scanner.baseline import baseline_text, read_baseline
from toolgate.scanner.facts import facts, policy_of
from toolgate.scanner.ignoring import FILE, Ignore, read_ignores
from toolgate.scanner.judging import Report
from toolgate.scanner.rules import Level
from toolgate.scanner.sarif import sarif
from toolgate.scanner.scan import Scan
from toolgate.scanner.settling import failing
from toolgate.scanner.targets import Target
from toolgate.store.errors import BadInput
from toolgate.store.names import escaped, shown


@dataclass(slots=True, frozen=True)
class Accepted:
    """What was found before and does not count."""

    baseline: frozenset[str] = frozenset()
    ignores: list[Ignore] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Plan:
    """Where the outcome goes."""

    as_json: bool
    sarif: str
    policy: Path | None
    safeguards: bool
    baseline: Path | None
    write_baseline: bool
    ignore: Path | None

    def check(self) -> Accepted:
        """What files of the user accept; raises BadInput, ToolgateError."""
        if self.as_json and self.sarif == "-":
            raise BadInput("--sarif", "and --json both go to standard output", "give --sarif a file")
        if self.safeguards and self.policy is None:
            raise BadInput("--safeguards", "goes with --policy", "say where the policy goes")
        if self.write_baseline and self.baseline is None:
            raise BadInput("--write-baseline", "needs to know where", "give --baseline FILE")
        ignore = self.ignore or (Path(FILE) if Path(FILE).is_file() else None)
        known = frozenset() if self.baseline is None or self.write_baseline else read_baseline(self.baseline)
        return Accepted(known, [] if ignore is None else read_ignores(ignore))

    def check_policy(self, targets: Sequence[Target]) -> None:
        """Raises BadInput where a policy would take the place of one that somebody may have worked on."""
        if self.policy is None:
            return
        for path in [self.policy] if len(targets) == 1 else [self._file(target.name) for target in targets]:
            if path.exists():
                raise BadInput("--policy", f"`{shown(str(path))}` is there already", "name another, or remove it")

    def write(self, scan: Scan) -> None:
        """Write everything; a table for people unless standard output is for something else."""
        if self.policy is not None:
            self._write_policies(scan)
        if self.write_baseline and self.baseline is not None:
            write_text(self.baseline, baseline_text(it.finding for it in scan.settled if it.state != "ignored"))
        if self.sarif and self.sarif != "-":
            write_text(Path(self.sarif), _json(sarif(scan)))
        if self.as_json:
            printing.emit_json(facts(scan))
        elif self.sarif == "-":
            typer.echo(_json(sarif(scan)), nl=False)
        else:
            show(scan)
            self._say_policies(scan)

    def _write_policies(self, scan: Scan) -> None:
        for path, report in self._policies(scan):
            write_text(path, self._policy(report).text)

    def _say_policies(self, scan: Scan) -> None:
        for path, report in self._policies(scan):
            printing.say(f"policy of {report.name}: {path}")
            for each in self._policy(report).fill_ins:
                printing.say(f"  to fill in at {each.pointer}: {each.what} (for example {json.dumps(each.example)})")

    def _policy(self, report: Report) -> Tightened:
        if not self.safeguards:
            return Tightened(policy_of(report), ())
        judged = [tool.classification for tool in report.tools]
        return tighten([tool.definition for tool in report.tools], report.name, judged)

    def _policies(self, scan: Scan) -> Iterator[tuple[Path, Report]]:
        """Of a server that did not answer nothing is known, so there is no policy of it."""
        for report in scan.reports if self.policy is not None else ():
            if report.failure is None:
                assert self.policy is not None
                yield self.policy if len(scan.reports) == 1 else self._file(report.name), report

    def _file(self, server: str) -> Path:
        assert self.policy is not None
        return self.policy / f"{slug(server)}.json"


def exit_code(scan: Scan, threshold: Level) -> int:
    """The code that the command ends with."""
    if failing(scan.settled, threshold):
        return exits.FINDINGS
    return exits.UNREACHED if scan.unreached else exits.OK


@contextmanager
def progress(targets: int) -> Iterator[Callable[[Heard], None]]:
    """Says on a terminal which servers have answered."""
    done = 0

    def heard(one: Heard) -> None:
        nonlocal done
        done += 1
        sys.stderr.write(f"\r\x1b[K{done} of {targets} servers: {escaped(shown(one.target.name))}")
        sys.stderr.flush()

    if targets < 2 or not sys.stderr.isatty():
        yield lambda _heard: None
        return
    try:
        yield heard
    finally:
        sys.stderr.write("\r\x1b[K")


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"

"""A shelf of packages with a folder in which they leave traces. The packages are the servers: it has no tools."""

from __future__ import annotations

import sys

from toolgate.attacks.stubs import parcel
from toolgate.attacks.stubs.stub import Definition, Stub


class Server(Stub):
    """Starts nothing by itself; `command` says how a package is started, `traces` what was left behind."""

    def definitions(self) -> list[Definition]:
        """None."""
        return []

    def command(self, package: str) -> tuple[str, ...]:
        """The command that fetches and starts a package, with `@VERSION` or without."""
        return (sys.executable, "-m", parcel.__name__, str(self.folder), package)

    def traces(self) -> list[str]:
        """What packages did when they were started."""
        trace = self.folder / parcel.TRACE
        return [trace.read_text()] if trace.exists() else []

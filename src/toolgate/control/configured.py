"""The configuration file of `toolgate serve --config`: applied at start, watched from then on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from sqlalchemy.engine import Engine

from toolgate.background import complain
from toolgate.configuration.apply import Options
from toolgate.configuration.plan import Plan
from toolgate.configuration.problems import ConfigurationError
from toolgate.configuration.watch import Watch
from toolgate.errors import ToolgateError
from toolgate.store import servers
from toolgate.store.changes import announce
from toolgate.store.database import latest_change
from toolgate.store.names import escaped

_CONFIRMED_WITHIN = 1.0


class Configured:
    """Keeps the database what the file says, and says on standard error what it did or could not do."""

    def __init__(self, data: Path, engine: Engine, file: Path, *, prune: bool) -> None:
        self.due: dict[str, bool] = {}
        """Servers whose tools should be asked for, and whether they are the ones that the operator registers now."""
        self._data = data
        self._engine = engine
        self._file = file
        self._watch = Watch(data, engine, file, Options(prune=prune))
        self._applied = 0.0
        self._said = ""

    def start(self) -> None:
        """Apply the file before anything is served. Raises ToolgateError."""
        self._took(self._watch.apply())

    async def look(self) -> None:
        """Apply the file if it has changed. What is wrong with it is said once, and the last good state stays."""
        try:
            plan = await asyncio.to_thread(self._watch.look)
        except ToolgateError as error:
            self._complain(error)
            return
        if plan is not None:
            self._took(plan)

    @property
    def facts(self) -> dict[str, object]:
        """What the status page says of it."""
        error = self._watch.error
        return {
            "file": str(self._file),
            "applied": int(self._applied),
            "error": None if error is None else str(error),
        }

    def _took(self, plan: Plan) -> None:
        """What is said is in force: the gateways are woken first."""
        self._applied = time.time()
        if plan.changes:
            announce(self._data, latest_change(self._engine), _CONFIRMED_WITHIN)
        if self._said:
            complain(f"{self._file}: in force again")
        self._said = ""
        for step in plan.steps:
            if step.sign != "=":
                details = f": {', '.join(step.details)}" if step.details else ""
                complain(escaped(f"{self._file}: {step.sign} {step.kind} {step.name}{details}"))
            if step.reached:
                self.due[servers.get(self._engine, step.name).id] = step.sign == "+"
        if plan.changes:
            for warning in plan.warnings:
                complain(escaped(f"warning: {warning.place}: {warning.cause} ({warning.mend})"))

    def _complain(self, error: ToolgateError) -> None:
        if str(error) == self._said:
            return
        self._said = str(error)
        complain(escaped(f"{self._file} is not applied, what was in force stays"))
        for line in lines_of(error):
            complain(escaped(line))


def lines_of(error: ToolgateError) -> list[str]:
    """Everything that is wrong, a line each."""
    if isinstance(error, ConfigurationError):
        return [f"error: {it.place}: {it.cause}" + (f" ({it.mend})" if it.mend else "") for it in error.problems]
    return [f"error: {error}"]

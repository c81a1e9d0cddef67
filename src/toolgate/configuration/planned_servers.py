"""Servers of a configuration beside those of the database."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial

from toolgate.configuration.document import Configuration, ServerTerms
from toolgate.configuration.plan import Plan, Run, Step
from toolgate.configuration.present import Present, PresentServer
from toolgate.configuration.problems import Problem
from toolgate.keys import SealBroken, Sealer
from toolgate.store import servers
from toolgate.store.headers import HeaderInput, StoredHeader, unseal
from toolgate.store.names import escaped, shown
from toolgate.store.origins import take_over
from toolgate.store.servers import Registration
from toolgate.upstream.versions import floating


def plan_servers(plan: Plan, configuration: Configuration, present: Present, sealer: Sealer) -> None:
    """Add and change; what is gone from the file is another's matter."""
    for name, given in configuration.servers.items():
        known = present.servers.get(name)
        wanted = given.registration
        if known is None:
            run = partial(servers.insert, name=name, registration=wanted, sealer=sealer, origin=configuration.origin)
            plan.steps.append(Step("+", "server", name, (way(wanted),), (run,), reached=True))
        else:
            _change(plan, known, wanted, sealer, configuration.origin)
        _warn(plan, given)


def _warn(plan: Plan, given: ServerTerms) -> None:
    fetched = floating(given.registration.command)
    if fetched:
        cause = f"the command fetches `{shown(fetched)}` without saying which version: it may be another one tomorrow"
        plan.warnings.append(Problem(given.place, cause, "name the version that was looked at"))


def _change(plan: Plan, known: PresentServer, wanted: Registration, sealer: Sealer, origin: str) -> None:
    changed = [header for header in wanted.credentials if not _same(known, header, sealer)]
    given = {header.name for header in wanted.credentials}
    dropped = [name for name in known.credentials if name not in given]
    settings = list(_settings(known.registration, wanted))
    noun = "variable" if wanted.command else "header"
    details = settings + [f"{noun} {header.name}" for header in changed] + [f"without {name}" for name in dropped]
    runs: list[Run] = []
    if details:
        amended = replace(wanted, credentials=tuple(changed))
        runs.append(partial(servers.amend, server_id=known.id, registration=amended, sealer=sealer, dropped=dropped))
    if known.origin not in (None, origin):
        details.append(f"taken over from {escaped(str(known.origin))}")
        runs.append(partial(take_over, kind="server", row_id=known.id, before=str(known.origin), origin=origin))
    plan.step("server", known.name, details, runs, reached=bool(settings or changed or dropped))


def _same(known: PresentServer, header: HeaderInput, sealer: Sealer) -> bool:
    stored = known.credentials.get(header.name)
    return stored is not None and stored.sealed is not None and _opened(known.id, stored, sealer) == header.value


def _opened(server_id: str, stored: StoredHeader, sealer: Sealer) -> str | None:
    """The value that is stored; None where another master key sealed it, so that it is sealed anew."""
    try:
        return unseal("", stored, server_id, sealer)
    except SealBroken:
        return None


def _settings(before: Registration, after: Registration) -> Iterator[str]:
    if (before.url, before.command) != (after.url, after.command):
        yield f"{way(before)} -> {way(after)}"
    if before.pin != after.pin:
        yield "pinned" if after.pin else "no longer pinned"
    was = asdict(before.reach)
    for key, value in asdict(after.reach).items():
        if was[key] != value:
            yield f"{key} {shown(str(was[key]))} -> {shown(str(value))}"


def way(registration: Registration) -> str:
    """Where a server is, in one line."""
    return shown(registration.url or shlex.join(registration.command))

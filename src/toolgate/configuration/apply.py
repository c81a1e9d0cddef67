"""Brings about what a configuration describes: compared, planned and written in one transaction, or not at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection, Engine

from toolgate.configuration.document import Configuration
from toolgate.configuration.plan import Plan
from toolgate.configuration.planned_grants import GrantPlanner
from toolgate.configuration.planned_policies import plan_policies
from toolgate.configuration.planned_servers import plan_servers
from toolgate.configuration.present import read_present
from toolgate.configuration.problems import ConfigurationError
from toolgate.configuration.pruning import plan_pruning
from toolgate.configuration.tokens import Deliveries
from toolgate.keys import Sealer
from toolgate.store.database import reading, writing
from toolgate.store.errors import StoreError


@dataclass(slots=True, frozen=True)
class Options:
    """What the operator allows besides adding and changing."""

    prune: bool = False
    """Remove what this configuration made and no longer names."""

    rotate_missing: bool = False
    """Give a grant whose token file does not hold its token a new one."""


def preview(engine: Engine, configuration: Configuration, sealer: Sealer, options: Options) -> Plan:
    """What `apply` would do now. Changes nothing. Raises ConfigurationError, StoreError."""
    with reading(engine) as connection, Deliveries() as deliveries:
        return _plan(connection, configuration, sealer, options, deliveries)


def apply(
    data: Path, engine: Engine, actor: str, configuration: Configuration, sealer: Sealer, options: Options
) -> Plan:
    """Do it; returns what was done. Raises ConfigurationError or another ToolgateError: then nothing was changed.

    The one exception says so: a token that could not be moved to its place after the commit.
    """
    with _one_at_a_time(data), Deliveries() as deliveries:
        with writing(engine, actor) as change:
            plan = _plan(change.connection, configuration, sealer, options, deliveries)
            for step in plan.steps:
                for run in step.runs:
                    run(change)
        deliveries.deliver()
        return plan


def _plan(
    connection: Connection, configuration: Configuration, sealer: Sealer, options: Options, deliveries: Deliveries
) -> Plan:
    present = read_present(connection)
    plan = Plan()
    plan_servers(plan, configuration, present, sealer)
    plan_policies(plan, configuration, present)
    matched = GrantPlanner(plan, configuration, present, deliveries, options.rotate_missing).all()
    if options.prune:
        plan_pruning(plan, configuration, present, matched)
    if plan.problems:
        raise ConfigurationError(plan.problems)
    return plan


@contextmanager
def _one_at_a_time(data: Path) -> Iterator[None]:
    """Between a commit and the moving of its tokens nobody else applies."""
    path = data / "apply.lock"
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(str(path), f"cannot be opened for writing: {error.strerror}", "check its owner") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

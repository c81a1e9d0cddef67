"""What a configuration made and no longer names. What a person made is never removed, nor what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from toolgate.configuration.document import Configuration
from toolgate.configuration.plan import Plan, Step
from toolgate.configuration.present import Present, PresentGrant, PresentPolicy, PresentServer
from toolgate.store import grants, policies, servers
from toolgate.store.errors import StoreError
from toolgate.store.names import shown


def plan_pruning(
    plan: Plan, configuration: Configuration, present: Present, matched: Mapping[str, PresentGrant | None]
) -> None:
    """Grants first, then the policies they were under, then the servers they opened."""
    kept = {grant.id for grant in matched.values() if grant is not None}
    origin = configuration.origin
    ended = [grant for grant in present.grants if grant.origin == origin and grant.id not in kept]
    gone = {grant.id for grant in ended}
    others = [grant for grant in present.grants if grant.id not in kept | gone]
    for grant in ended:
        run = partial(grants.end, grant_id=grant.id)
        plan.steps.append(Step("-", "grant", grant.label, ("revoked",), (run,)))
    for policy in present.policies.values():
        if policy.origin == origin and policy.name not in configuration.policies:
            _policy(plan, configuration, policy, others)
    for server in present.servers.values():
        if server.origin == origin and server.name not in configuration.servers:
            _server(plan, configuration, server, others)


def _policy(plan: Plan, configuration: Configuration, policy: PresentPolicy, others: Iterable[PresentGrant]) -> None:
    users = [grant.label for grant in others if grant.terms.policy_id == policy.id]
    users += [label for label, grant in configuration.grants.items() if grant.policy == policy.name]
    run = partial(policies.drop, policy_id=policy.id)
    _remove(plan, configuration, Step("-", "policy", policy.name, (), (run,)), users)


def _server(plan: Plan, configuration: Configuration, server: PresentServer, others: Iterable[PresentGrant]) -> None:
    users = [grant.label for grant in others if grant.terms.server_id == server.id]
    users += [label for label, grant in configuration.grants.items() if grant.server == server.name]
    run = partial(servers.drop, server_id=server.id)
    _remove(plan, configuration, Step("-", "server", server.name, (), (run,)), users)


def _remove(plan: Plan, configuration: Configuration, step: Step, users: list[str]) -> None:
    if not users:
        plan.steps.append(step)
        return
    named = ", ".join(f"`{shown(label)}`" for label in users[:5])
    cause = f"the {step.kind} `{step.name}` would be removed, but the grant {named} needs it"
    error = StoreError("", cause, f"revoke that grant, or describe the {step.kind} again")
    plan.refuse(configuration.place, error)

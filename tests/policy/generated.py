"""Documents and calls made by hypothesis: small names and values, so that rules meet calls often."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from jiter import LosslessFloat

Json = dict[str, Any]

NAMES = ["run", "read_a", "read_b", "delete_x", "x"]
KEYS = ["run", "read_a", "delete_x", "read_*", "*", "*_x", "r*a"]
METHODS = ["resources/read", "prompts/get", "tools/list", "strange"]
METHOD_KEYS = ["resources/read", "prompts/*", "*", "tools/list"]
ARGUMENTS = ["a", "b", "c.d"]
PATHS = ["args.a", "args.b", 'args["c.d"]', "args.a.b", "args.a[0]", "args.a[1].b"]
EACH_PATHS = ["args.a[*]", "args.a[*].b", "args.a[*].b[*]", "args.b[*].a", "args.a[*].b[*].a"]
CONTEXT = ["grant.label", "grant.labels.tenant", "principal", "session.id", "time.hour", "time.weekday", "time.iso"]
CONTEXT += ["tool.name", "tool.category", "tool.risk"]
TEXTS = ["", "x", "ab", "abc", "team", "a b", "Read", "Critical"]
CATEGORIES = [None, "Read", "Destructive", "Financial"]
PATTERNS = ["a", "^a", "b$", "^(x|ab)$", "[ab]+", "team"]

numbers = st.one_of(
    st.integers(-3, 12),
    st.sampled_from([0.5, 2.5, 10_000, -0.0, 9_007_199_254_740_993, 10**23, 10**33]),
    st.sampled_from([b"1.0", b"2.50", b"1e1", b"100.00000000000000001", b"1e400", b"-0.0", b"1e-40"]).map(
        LosslessFloat
    ),
)
scalars = st.one_of(st.sampled_from(TEXTS), numbers, st.booleans(), st.none())
literals = st.one_of(st.sampled_from(TEXTS), st.integers(-3, 12), st.sampled_from([0.5, 2.5]), st.booleans(), st.none())
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "A", "ａ"]), inner, max_size=3)
    ),
    max_leaves=8,
)
arguments: st.SearchStrategy[Json] = st.dictionaries(
    st.sampled_from([*ARGUMENTS, "A", "C.D", "other"]), values, max_size=4
)


@st.composite
def conditions(draw: st.DrawFn, paths: list[str]) -> Json:
    path = draw(st.sampled_from(paths))
    op = draw(st.sampled_from(list(VALUES)))
    condition: Json = {"path": path, "op": op, "value": draw(VALUES[op])}
    if op in REFERRING and draw(st.integers(0, 4)) == 0:
        condition["value"] = {"ref": draw(st.sampled_from(CONTEXT))}
    times = [path, condition["value"].get("ref", "") if isinstance(condition["value"], dict) else ""]
    if any(name.startswith("time.") for name in times) and draw(st.booleans()):
        condition["zone"] = draw(st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "UTC"]))
    return condition


REFERRING = ("eq", "neq", "lt", "lte", "gt", "gte", "contains", "starts_with", "ends_with")
ordered = st.one_of(st.sampled_from(TEXTS), st.integers(-3, 12), st.sampled_from([0.5, 2.5]))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "eq": literals,
    "neq": literals,
    **dict.fromkeys(("lt", "lte", "gt", "gte"), ordered),
    "in": st.lists(literals, max_size=3),
    "not_in": st.lists(literals, max_size=3),
    "exists": st.booleans(),
    "regex": st.sampled_from(PATTERNS),
    "full_match": st.sampled_from(PATTERNS),
    "contains": literals,
    "starts_with": st.sampled_from(TEXTS),
    "ends_with": st.sampled_from(TEXTS),
    "length_lte": st.integers(0, 4),
    "argv_matches": st.lists(st.sampled_from(PATTERNS), max_size=2),
}


def rules(paths: list[str]) -> st.SearchStrategy[list[Json]]:
    rule = st.fixed_dictionaries(
        {"conditions": st.lists(conditions(paths), max_size=3)},
        optional={"on_deny": st.sampled_from(["no", "ask somebody"])},
    )
    return st.lists(rule, max_size=2)


def limits(costs: list[Any]) -> st.SearchStrategy[list[Json]]:
    limit = st.fixed_dictionaries(
        {
            "counter": st.sampled_from(["calls", "spend"]),
            "window": st.just("day"),
            "max": st.sampled_from([0, 5, 10, 2.5]),
        },
        optional={
            "scope": st.sampled_from(["grant", "session", "principal", "server"]),
            "cost": st.sampled_from(costs),
        },
    )
    return st.lists(limit, max_size=2)


rates = st.one_of(
    st.sampled_from(["3/minute", "10/hour"]),
    st.fixed_dictionaries(
        {"max": st.integers(0, 5), "window": st.sampled_from([1, 60])},
        optional={"scope": st.sampled_from(["grant", "session"])},
    ),
)


def repeated(entry: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Now and then with a limit on identical calls."""
    return st.builds(
        lambda raw, rate: raw if rate is None else {**raw, "repeat_limit": rate},
        entry,
        st.one_of(st.none(), st.none(), rates),
    )


items = st.lists(
    st.one_of(
        st.sampled_from(KEYS),
        st.sampled_from([{"category": "Read"}, {"category": ["Destructive", "Financial"]}, {"category": ["Read"]}]),
    ),
    min_size=1,
    max_size=2,
)
flows = st.lists(
    st.fixed_dictionaries(
        {"after": items, "deny": items},
        optional={
            "and_after": items,
            "within": st.sampled_from(["session", "1h", "60m", "7d"]),
            "on_deny": st.just("no"),
        },
    ),
    max_size=3,
)


def entries(paths: list[str], costs: list[Any], *, schema: bool) -> st.SearchStrategy[Json]:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "require": rules(paths),
        "deny_if": rules(paths),
        "require_approval": rules(paths),
        "limits": limits(costs),
        "rate_limit": rates,
        "action": st.sampled_from(["allow", "allow", "deny", "require_approval"]),
        "reason": st.just("because"),
    }
    if schema:
        return st.one_of(
            *[st.fixed_dictionaries({"schema": st.just("off")}, optional=optional)] * 4,
            st.fixed_dictionaries({}, optional={**optional, "schema": st.sampled_from(["auto", "declared", "off"])}),
        )
    return st.fixed_dictionaries({}, optional=optional)


def everywhere(costs: list[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {},
        optional={
            "require": rules(CONTEXT),
            "deny_if": rules([*CONTEXT, "args.a"]),
            "require_approval": rules(CONTEXT),
            "limits": limits(costs),
            "rate_limit": rates,
        },
    )


def as_params(paths: list[str]) -> list[str]:
    return [path.replace("args", "params", 1) for path in paths if not path.startswith("tool.")]


@st.composite
def documents(draw: st.DrawFn) -> Json:
    """Valid but for counters that disagree on the kind of cost, so each document counts either calls or amounts."""
    paths = [*PATHS, *EACH_PATHS, *CONTEXT]
    amounts = draw(st.booleans())
    costs: list[Any] = ["args.a", "args.b"] if amounts else [1, 2, 0.5]
    shared = limits(costs)
    tools = st.dictionaries(st.sampled_from(KEYS), entries(paths, costs, schema=True), max_size=4)
    method_costs = [cost.replace("args", "params") if isinstance(cost, str) else cost for cost in costs]
    methods = st.dictionaries(
        st.sampled_from(METHOD_KEYS), entries(as_params(paths), method_costs, schema=False), max_size=2
    )
    document: Json = {"version": "1", "default": draw(st.sampled_from(["allow", "deny"]))}
    document["tools"] = {key: draw(repeated(st.just(entry))) for key, entry in draw(tools).items()}
    if draw(st.booleans()):
        document["flows"] = draw(flows)
    if draw(st.booleans()):
        document["methods"] = {key: draw(repeated(st.just(entry))) for key, entry in draw(methods).items()}
    if draw(st.booleans()):
        document["all_tools"] = draw(repeated(everywhere([1, 3])))
    if draw(st.integers(0, 3)) == 0:
        document["hide"] = draw(st.lists(st.sampled_from(["x", "read_*", "delete_x"]), max_size=2))
    if draw(st.integers(0, 3)) == 0:
        document["list"] = draw(st.sampled_from(["callable", "all"]))
    assert shared is not None
    if amounts:
        _name_costs_apart(document)
    return document


def _name_costs_apart(document: Json) -> None:
    """A counter is charged with calls or with amounts, never both."""
    every = [document.get("all_tools", {}), *document["tools"].values(), *document.get("methods", {}).values()]
    for entry in every:
        for limit in entry.get("limits", []):
            if not isinstance(limit.get("cost", 1), str):
                limit["counter"] += "_of_calls"

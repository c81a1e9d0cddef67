"""Over generated tools and over every collected definition: valid, without findings, and never looser than the base."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.classifier.collected import collected
from tests.policy.calling import NOON

from toolgate.classifier.classify import RISK, Category, Classification
from toolgate.classifier.recommend import recommend
from toolgate.classifier.safeguards import HOST, NO_DIALECT, ROOT
from toolgate.classifier.signals import Signal
from toolgate.classifier.tightened import Tightened, tighten
from toolgate.policy.compiler import Policy, compile_policy
from toolgate.policy.decision import Subject
from toolgate.policy.definition import Definition
from toolgate.policy.document import parse
from toolgate.policy.entries import escape
from toolgate.policy.lint import lint

Tools = Sequence[Mapping[str, Any]]
EXPECTED = {"uncovered-argument"}
"""A note that any rule on arguments brings with it: other text arguments have none."""
STRICTNESS = ("allow", "wait", "deny")
SAMPLES: dict[str, list[Any]] = {
    "string": ["/REPLACE/with/a/root/x", "https://replace.invalid/", "a@replace.invalid", "select 1", "x; rm -rf /"],
    "number": [0, 1.5, -1],
    "integer": [0, 7],
    "boolean": [True],
    "array": [[], ["a@replace.invalid"], ["x"] * 25],
    "object": [{}],
    "": ["x", None, 3],
}
GRANT = Subject("g")


def calls(tool: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Calls with nothing, with what is required, and with everything, of some values each."""
    schema = tool.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    declared = properties if isinstance(properties, dict) else {}
    listed = schema.get("required") if isinstance(schema, dict) else None
    yield {}
    for names in {tuple(name for name in declared if name in (listed or ())), tuple(declared)}:
        for turn in range(5):
            yield {name: sample(declared[name], turn) for name in names}


def sample(schema: object, turn: int) -> Any:
    about = schema if isinstance(schema, dict) else {}
    properties, items = about.get("properties"), about.get("items")
    if isinstance(properties, dict):
        return {key: sample(inner, turn) for key, inner in properties.items()}
    if isinstance(items, dict):
        return [sample(items, turn)] * (turn * 6)
    kind = about.get("type")
    values = SAMPLES[kind if isinstance(kind, str) and kind in SAMPLES else ""]
    return values[turn % len(values)]


def check(tools: Tools, base: Mapping[str, Any], tightened: Tightened) -> int:
    """What must hold of both documents of some tools; how many calls were compared."""
    definitions = {str(tool["name"]): Definition(tool) for tool in tools if isinstance(tool.get("name"), str)}
    documents = parse(json.dumps(base)), parse(tightened.text)
    assert not lint(documents[0])
    codes = {finding.code for finding in lint(documents[1], definitions)}
    assert codes <= EXPECTED, codes
    check_fill_ins(tightened)
    loose, tight = map(compile_policy, documents)
    assert documents[1].raw.get("hide") == documents[0].raw.get("hide")
    return sum(compare(loose, tight, tool, Definition(tool)) for tool in tools if isinstance(tool.get("name"), str))


def check_fill_ins(tightened: Tightened) -> None:
    """Each is a place of the document, and each stand-in of the document is announced."""
    announced = {fill_in.pointer for fill_in in tightened.fill_ins}
    assert len(announced) == len(tightened.fill_ins)
    for pointer in announced:
        place: Any = tightened.document
        for token in pointer.split("/")[1:]:
            key = token.replace("~1", "/").replace("~0", "~")
            place = place[int(key)] if isinstance(place, list) else place[key]
    unannounced = set(stand_ins(tightened.document)) - announced
    assert not unannounced


def stand_ins(document: Mapping[str, Any]) -> Iterator[str]:
    """The pointers of what fits nothing."""
    for name, entry in document["tools"].items():
        at = f"/tools/{escape(name)}"
        for place, rule in enumerate(entry.get("require", ())):
            here, value = f"{at}/require/{place}/conditions/0", rule["conditions"][0]["value"]
            if value == [NO_DIALECT]:
                yield here
            elif value in (ROOT, [HOST]):
                yield f"{here}/value"
        yield from (
            f"{at}/limits/{place}/max" for place, limit in enumerate(entry.get("limits", ())) if not limit["max"]
        )


def compare(loose: Policy, tight: Policy, tool: Mapping[str, Any], definition: Definition) -> int:
    name, made = str(tool["name"]), 0
    assert tight.lists(name) <= loose.lists(name)
    for arguments in calls(tool):
        before = loose.judge(name, arguments, GRANT, NOON, definition)
        after = tight.judge(name, arguments, GRANT, NOON, definition)
        assert STRICTNESS.index(after.outcome) >= STRICTNESS.index(before.outcome), (name, arguments)
        if after.outcome != "deny":
            assert {(each.key, each.amount) for each in before.charges} <= {
                (each.key, each.amount) for each in after.charges
            }
        made += 1
    return made


keys = st.sampled_from(
    [
        "path",
        "file.path",
        "url",
        'the "url"',
        "sql",
        "query",
        "to",
        "cc",
        "amount",
        "ids",
        "command",
        "größe",
        "\ud800",
        "",
    ]
)
leaves = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["string", "number", "integer", "boolean", "array", "object", None, ["string", "null"], 3]
        )
    },
    optional={
        "description": st.sampled_from(["A mail address", "SQL", "path to the file", ""]),
        "enum": st.just(["a"]),
    },
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    schema = st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(keys, inner, max_size=3)},
        optional={"required": st.lists(keys, max_size=2)},
    )
    return st.one_of(schema, st.builds(lambda items: {"type": "array", "items": items}, schema))


schemas = objects(st.recursive(leaves, objects, max_leaves=4))
names = st.sampled_from(
    ["read_it", "send_email", "run", "rate_limit:x", "a/b~c", "get_*", "", "\ud800", "post_comment"]
)
classes = st.builds(
    lambda category, bulk: Classification(
        category, RISK[category], "high", (), (Signal("bulk", "", ""),) if bulk else ()
    ),
    st.sampled_from(list[Category](RISK)),
    st.booleans(),
)
tools_of = st.lists(
    st.tuples(st.fixed_dictionaries({"name": names}, optional={"inputSchema": schemas}), classes), max_size=4
)


@settings(max_examples=60)
@given(tools_of, st.sampled_from(["", "postgres", "mysql sqlite"]))
def test_generated_tools(pairs: list[tuple[dict[str, Any], Classification]], server: str) -> None:
    tools, judged = [tool for tool, _ in pairs], [each for _, each in pairs]
    check(tools, recommend(tools, server, judged), tighten(tools, server, judged))


@pytest.mark.slow
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.nightly)])
def test_every_collected_definition(every: int) -> None:
    """One server in four; each night all of them."""
    servers = dict(list(collected().items())[::every])
    compared = sum(check(tools, recommend(tools, server), tighten(tools, server)) for server, tools in servers.items())
    assert sum(map(len, servers.values())) >= 20_000 // every
    assert compared > 80_000 // every

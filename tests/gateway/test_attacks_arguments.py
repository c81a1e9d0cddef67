"""Published ways around rules that read arguments: coercion, aliases, encodings, several meanings in one string."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from .running import Gateway
from .target import Target, attacked

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(gateway: Gateway) -> AsyncIterator[Target]:
    async with attacked(gateway) as aimed:
        yield aimed


PAY = {
    "name": "pay",
    "inputSchema": {
        "type": "object",
        "properties": {
            "amount": {"type": "number"},
            "count": {"type": "integer"},
            "urgent": {"type": "boolean"},
            "to": {"type": "array", "items": {"type": "string"}},
        },
    },
}
BIG = {"deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 10000}]}]}
DENY = "/tools/pay/deny_if/0"
REQUIRE = "/tools/pay/require/0"


def policy(rules: dict[str, Any]) -> dict[str, Any]:
    return {"version": "1", "default": "deny", "tools": {"pay": rules}}


def require(operator: str, value: object, path: str = "args.x", **more: object) -> dict[str, Any]:
    return {"schema": "off", "require": [{"conditions": [{"path": path, "op": operator, "value": value, **more}]}]}


CHECKED = policy(BIG)
UNCHECKED = policy({**BIG, "schema": "off"})
LIMITED = policy({"schema": "off", "limits": [{"counter": "spent", "window": "day", "max": 1, "cost": "args.amount"}]})
FIRST = {"conditions": [{"path": "args.items[*].to", "op": "neq", "value": "us"}]}
EACH = policy({"schema": "off", "deny_if": [FIRST]})
ALL = policy(require("email_domain_in", ["example.com"], "args.items[*].to"))

Row = tuple[dict[str, Any], str, str]

DENIED: dict[str, Row] = {
    # Numbers as strings, booleans as numbers: the official Python SDK turns all of these into integers afterwards.
    "sdk-coercion a string": (CHECKED, '{"amount":"20000"}', "(schema)"),
    "sdk-coercion a string with spaces": (CHECKED, '{"amount":" 20000 "}', "(schema)"),
    "sdk-coercion a string with underscores": (CHECKED, '{"amount":"2_0000"}', "(schema)"),
    "sdk-coercion true": (CHECKED, '{"amount":true}', "(schema)"),
    "sdk-coercion a fraction for an integer": (CHECKED, '{"amount":1,"count":1.5}', "(schema)"),
    "sdk-coercion off for a boolean": (CHECKED, '{"amount":1,"urgent":"off"}', "(schema)"),
    "sdk-coercion 0 for a boolean": (CHECKED, '{"amount":1,"urgent":0}', "(schema)"),
    "sdk-coercion a string without a schema": (UNCHECKED, '{"amount":"20000"}', DENY),
    "sdk-coercion true without a schema": (UNCHECKED, '{"amount":true}', DENY),
    "Intercept-f a string that prints like the number": (UNCHECKED, '{"amount":"5"}', DENY),
    "sdk-pre-parse a list in a string": (CHECKED, '{"amount":1,"to":"[\\"x\\"]"}', "(schema)"),
    "sdk-pre-parse an object in a string": (CHECKED, '{"amount":"{\\"value\\":20000}"}', "(schema)"),
    "undeclared-argument cc": (CHECKED, '{"amount":1,"cc":"a@evil.test"}', "(schema)"),
    "undeclared-argument camel case": (CHECKED, '{"amount":1,"payAmount":20000}', "(schema)"),
    "CVE-2026-27896 another case alone": (CHECKED, '{"Amount":20000}', "(schema)"),
    "CVE-2026-27896 another case without a schema": (UNCHECKED, '{"Amount":20000}', DENY),
    "huge-numbers as an integer": (CHECKED, '{"amount":20000}', DENY),
    "huge-numbers as a fraction": (CHECKED, '{"amount":20000.0}', DENY),
    "huge-numbers with an exponent": (CHECKED, '{"amount":2e4}', DENY),
    "huge-numbers more digits than a double": (CHECKED, '{"amount":10000.00000000000000001}', DENY),
    "huge-numbers beyond 2**53": (CHECKED, '{"amount":-9007199254740993}', DENY),
    "missing-argument praxis-939": (CHECKED, "{}", DENY),
    "missing-argument null": (UNCHECKED, '{"amount":null}', DENY),
    "missing-argument an object": (UNCHECKED, '{"amount":{}}', DENY),
    "missing-argument a list": (UNCHECKED, '{"amount":[20000]}', DENY),
    "dotted-key": (policy(require("eq", 1, "args.a.b")), '{"a.b":1}', REQUIRE),
    "prototype-pollution an undeclared prototype": (CHECKED, '{"amount":1,"__proto__":{"amount":9}}', "(schema)"),
    "Intercept-e one of many": (EACH, '{"items":[{"to":"us"},{"to":"them"}]}', DENY),
    "Intercept-e one without": (EACH, '{"items":[{"to":"us"},{}]}', DENY),
    "Intercept-e an object for the list": (EACH, '{"items":{"to":"us"}}', DENY),
    "Intercept-e a string for the list": (EACH, '{"items":"us"}', DENY),
    "Intercept-e a list in the list": (EACH, '{"items":[[{"to":"us"}]]}', DENY),
    "Intercept-e a scalar instead of a list": (ALL, '{"items":"a@example.com"}', REQUIRE),
    "limit-on-text a string": (LIMITED, '{"amount":"0"}', "/tools/pay/limits/0"),
    "limit-on-text negative": (LIMITED, '{"amount":-1000}', "/tools/pay/limits/0"),
    "limit-on-text a list": (LIMITED, '{"amount":[0]}', "/tools/pay/limits/0"),
    "limit-on-text missing": (LIMITED, "{}", "/tools/pay/limits/0"),
    "regex-newline": (policy(require("regex", "^ok$")), '{"x":"ok\\n"}', REQUIRE),
    "regex-second-line": (policy(require("regex", "^ok$")), '{"x":"rm -rf\\nok"}', REQUIRE),
    "regex-Kelvin": (policy(require("regex", "^[a-z]+$")), '{"x":"\u212a"}', REQUIRE),
    "regex-Arabic-digits": (policy(require("regex", r"^\d+$")), '{"x":"٣"}', REQUIRE),
    "regex-ReDoS": (policy(require("regex", "^(a+)+$")), '{"x":"%s!"}' % ("a" * 20_000), REQUIRE),
    "CVE-2025-53107 a second command": (policy(require("full_match", "[a-z ]+")), '{"x":"ls; touch a"}', REQUIRE),
    "CVE-2025-53107 a substitution": (policy(require("full_match", "[a-z ]+")), '{"x":"ls $(id)"}', REQUIRE),
    "CVE-2025-53107 a newline": (policy(require("full_match", "[a-z ]+")), '{"x":"ls\\nid"}', REQUIRE),
    "CVE-2025-62354 another position": (policy(require("argv_matches", ["git", "log"])), '{"x":["git","am"]}', REQUIRE),
    "CVE-2025-62354 more": (policy(require("argv_matches", ["find", "[a-z]+"])), '{"x":["find","a","-exec"]}', REQUIRE),
    "CVE-2025-68144 an option": (policy(require("full_match", "[a-z][a-z/]*")), '{"x":"--output=/etc/x"}', REQUIRE),
}  # fmt: skip

HOSTS = policy(require("host_in", ["allowed.com"]))
PUBLIC = policy(require("ip_public", True))
UNDER = policy(require("path_under", "/jail"))
MAIL = policy(require("email_domain_in", ["example.com"]))
SELECT = policy(require("sql_only", ["select"], dialect="postgres"))

TYPED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "url-prefix": (HOSTS, ("https://allowed.com.evil.test/", "https://evil.test/allowed.com", "https://xallowed.com/")),
    "url-userinfo": (HOSTS, ("https://allowed.com@evil.test/", "https://allowed.com:80@evil.test/")),
    "url-backslash": (HOSTS, ("https://allowed.com\\@evil.test/", "https://evil.test\\.allowed.com/")),
    "url-IDN-dot": (HOSTS, ("https://allowed。com/", "https://аllowed.com/", "https://allowed%2ecom/")),
    "url-control": (HOSTS, ("https://allowed.com\t.evil.test/", "https://allowed.com\n.evil.test/")),
    "url-port": (HOSTS, ("https://allowed.com:99999/", "https://allowed.com:443@evil.test:443/")),
    "CVE-2026-80347 an address in brackets": (PUBLIC, ("http://[::1]/", "http://[::ffff:169.254.169.254]/")),
    "CVE-2026-48782 other notations": (
        PUBLIC,
        ("http://2852039166/", "http://0xa9fea9fe/", "http://0251.0376.0251.0376/", "http://127.1/", "http://[2002:a9fe:a9fe::]/"),
    ),
    "servers-issue-4143 metadata": (PUBLIC, ("http://169.254.169.254/latest/", "http://localhost/", "http://169.254.169.254./")),
    "CVE-2025-53110 a prefix": (UNDER, ("/jail_evil/x", "/jail.evil", "/jailbreak")),
    "CVE-2025-53110 dots": (UNDER, ("/jail/../etc/passwd", "/jail/a/../../etc", "/jail/./../x", "../jail/x")),
    "CVE-2025-53110 encoded": (UNDER, ("/jail/%2e%2e/etc", "/jail\\..\\etc", "/jail/a\0.txt", "/jail/..%2fetc")),
    "email-several": (MAIL, ("a@example.com,b@evil.test", "a@example.com b@evil.test", "a@example.com;b@evil.test")),
    "email-display-name": (MAIL, ('"a@example.com" <b@evil.test>', "a@example.com <b@evil.test>")),
    "email-subdomain": (MAIL, ("a@example.com.evil.test", "a@evil-example.com", "a@evil.test@example.com\n")),
    "CVE-2026-87911 to a command": (SELECT, ("copy t to program 'id'", "select pg_read_file('/etc/passwd')")),
    "Datadog-postgres a second statement": (SELECT, ("commit; drop table t", "select 1; drop table t")),
}  # fmt: skip

NEUTRAL: dict[str, tuple[dict[str, Any], str]] = {
    "numbers": (CHECKED, '{"amount":10000.0,"count":1e3}'),
    "minus zero": (CHECKED, '{"amount":-0}'),
    "each": (EACH, '{"items":[{"to":"us"},{"to":"us"}]}'),
    "a host": (HOSTS, '{"x":"https://ALLOWED.com/%2e%2e?x=1"}'),
    "a path": (UNDER, '{"x":"/jail/a/b.txt"}'),
    "an address": (MAIL, '{"x":["a@example.com","b@example.com"]}'),
    "a statement": (SELECT, '{"x":"select a from t where b = 1"}'),
}


def call(arguments: str) -> bytes:
    return (
        f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"pay","arguments":{arguments}}}}}'.encode()
    )


@pytest.mark.parametrize(("document", "arguments", "rule"), DENIED.values(), ids=DENIED.keys())
async def test_what_a_rule_cannot_read_or_may_not_pass_is_denied(
    target: Target, document: dict[str, Any], arguments: str, rule: str
) -> None:
    target.aim(document, [PAY])
    answer = await target.post(call(arguments))
    assert answer.denied
    assert [(decision.outcome, decision.rule) for decision in target.decisions] == [("deny", rule)]
    assert target.received == []


@pytest.mark.parametrize(("document", "texts"), TYPED.values(), ids=TYPED.keys())
async def test_a_text_that_a_pattern_would_take_is_denied_by_the_typed_rule(
    target: Target, document: dict[str, Any], texts: tuple[str, ...]
) -> None:
    target.aim(document, [PAY])
    for text in texts:
        assert (await target.post(call(json.dumps({"x": text})))).denied, text
    assert target.rules == [REQUIRE] * len(texts)
    assert target.received == []


@pytest.mark.parametrize(("document", "arguments"), NEUTRAL.values(), ids=NEUTRAL.keys())
async def test_what_the_same_rules_allow_passes_as_it_was_judged(
    target: Target, document: dict[str, Any], arguments: str
) -> None:
    target.aim(document, [PAY])
    assert not (await target.post(call(arguments))).denied
    assert [one.body for one in target.received] == [call(arguments)]
    assert [decision.outcome for decision in target.decisions] == ["allow"]


async def test_redos_a_pattern_without_end_costs_no_time_cve_2026_0621(target: Target) -> None:
    """The engine is linear: a megabyte of the worst text is answered at all (Python's own takes longer than life)."""
    target.aim(policy(require("regex", "^(a+)+$")), [PAY])
    assert (await target.post(call('{"x":"%s!"}' % ("a" * 1_000_000)))).denied

"""The typed operators that parse what they judge: URLs, addresses, paths, mail, SQL, argument vectors."""

from __future__ import annotations

import importlib

from toolgate.policy.emails import domains
from toolgate.policy.filepaths import lies_under, segments
from toolgate.policy.operators import BASE, Operator, Test, all_of, check_list, check_string, text, text_test
from toolgate.policy.regexes import BadPattern, compile_pattern
from toolgate.policy.urls import covers, host_of_literal, host_of_url, is_public, read_host_pattern

SQL_KINDS = ("select", "insert", "update", "delete", "merge")
SQL_DIALECTS = ("bigquery", "mysql", "postgres", "redshift", "snowflake", "sqlite", "trino")


def _check_host(value: object) -> str:
    return "" if read_host_pattern(value) is not None else "the value is neither a host nor `*.` before a host"


def _check_domain(value: object) -> str:
    return _check_host(value) or ("" if type(read_host_pattern(value)) is str else "the value is an address")


def _check_hosts(value: object) -> str:
    return check_list(value, _check_host)


def _check_domains(value: object) -> str:
    return check_list(value, _check_domain)


def _check_boolean(value: object) -> str:
    return "" if type(value) is bool else "the value is neither true nor false"


def _check_root(value: object) -> str:
    if type(value) is list:
        return check_list(value, _check_root) if value else "the list of directories is empty"
    if check_string(value):
        return "the value is neither a path nor a list of paths"
    return "" if segments(str(value)) is not None else "the value is a path with `..`, a drive or an escape"


def _check_kinds(value: object) -> str:
    if type(value) is not list or not value:
        return "the value is no list of kinds of statement"
    return "" if all(kind in SQL_KINDS for kind in value) else f"the value names another kind than {SQL_KINDS}"


def _check_patterns(value: object) -> str:
    def check(pattern: object) -> str:
        try:
            compile_pattern(pattern) if type(pattern) is str else None
        except BadPattern as error:
            return str(error)
        return check_string(pattern)

    return check_list(value, check)


def _host_in(hosts: object) -> Test:
    assert type(hosts) is list
    patterns = frozenset(host for host in map(read_host_pattern, hosts) if host is not None)

    def judge(url: str) -> bool | None:
        host = host_of_url(url)
        return None if host is None else covers(patterns, host)

    return text_test(judge)


def _ip_public(wanted: object) -> Test:
    def judge(address: str) -> bool | None:
        host = host_of_url(address) if "/" in address else host_of_literal(address)
        public = None if host is None else is_public(host)
        return None if public is None else public == wanted

    return text_test(judge)


def _path_under(value: object) -> Test:
    roots = [found for root in (value if type(value) is list else [value]) if (found := segments(str(root)))]
    return text_test(lambda path: lies_under(path, roots))


def _email_domain_in(value: object) -> Test:
    assert type(value) is list
    patterns = frozenset(host for host in map(read_host_pattern, value) if host is not None)

    def test(found: object) -> bool | None:
        names = domains(found)
        return None if names is None else all(covers(patterns, name) for name in names)

    return test


def _sql_only(value: object) -> Test:
    assert type(value) is tuple
    kinds, dialect = value
    # sqlglot costs 0.2 s and 30 MB: only a policy with such a rule pays for it, when the rule is first used.
    sql = importlib.import_module("toolgate.policy.sql")
    return text_test(lambda statement: sql.is_only(statement, frozenset(kinds), dialect))


def _argv_matches(patterns: object) -> Test:
    assert type(patterns) is list
    searches = [compile_pattern(pattern, whole=True) for pattern in patterns]

    def test(value: object) -> bool | None:
        if type(value) is not list:
            return None
        if any(type(word) is not str for word in value):
            return None
        return len(value) == len(searches) and all_of(
            search(word) for search, word in zip(searches, value, strict=True)
        )

    return test


def _argv(_: object) -> tuple[str, ...]:
    return ("array",)


def _addresses(_: object) -> tuple[str, ...]:
    return ("string", "array")


_TYPED = (
    Operator(
        "host_in", _check_hosts, _host_in, text, "is a URL of {}", "is not a URL of {}", "a URL with one clear host"
    ),
    Operator(
        "ip_public",
        _check_boolean,
        _ip_public,
        text,
        "is against the rule on public addresses",
        "is against the rule on public addresses",
        "a URL or address with a literal IP",
    ),
    Operator(
        "path_under",
        _check_root,
        _path_under,
        text,
        "lies under {}",
        "does not lie under {}",
        "a plain path comparable with that of the rule",
        refers=True,
    ),
    Operator(
        "email_domain_in",
        _check_domains,
        _email_domain_in,
        _addresses,
        "has only addresses of {}",
        "has an address outside {}",
        "a list of bare mail addresses",
    ),
    Operator(
        "sql_only",
        _check_kinds,
        _sql_only,
        text,
        "is only {}",
        "is another statement than {}",
        "one plain SQL statement",
    ),
    Operator(
        "argv_matches",
        _check_patterns,
        _argv_matches,
        _argv,
        "matches {} position by position",
        "does not match {} position by position",
        "an array of strings",
    ),
)

OPERATORS = {operator.name: operator for operator in (*BASE, *_TYPED)}
"""Every operator by name, in the order of the documentation."""

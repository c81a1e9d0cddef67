"""Tables of the operators that parse what they judge: what is true, what is false, and what is refused to be judged."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.policy.calling import rule, verdict_of

from toolgate.policy.decision import Subject

HOSTS = ["allowed.com", "*.docs.example", "192.0.2.7"]


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://allowed.com", True),
        ("https://allowed.com/", True),
        ("HTTPS://ALLOWED.COM/x?y#z", True),
        ("https://allowed.com.:8443/x", True),
        ("https://a.docs.example/", True),
        ("https://a.b.docs.example/", True),
        ("https://192.0.2.7/", True),
        ("https://0xc0.0.2.7/", True),
        ("https://docs.example/", False),
        ("https://evildocs.example/", False),
        ("https://allowed.com.evil.com/", False),
        ("https://notallowed.com/", False),
        ("https://evil.com/allowed.com", False),
        ("https://evil.com?allowed.com", False),
        ("https://user@allowed.com/", None),
        ("https://allowed.com@evil.com/", None),
        ("https://allowed.com:80@evil.com/", None),
        ("https://allowed.com\\@evil.com/", None),
        ("https://allowed.com\\.evil.com/", None),
        ("https://allowed.com#@evil.com/", None),
        ("https://allowed.com?@evil.com/", None),
        ("https://allowed.com\t.evil.com/", None),
        (" https://allowed.com/", None),
        ("https://allowed.com/\n", None),
        ("https://allowed.com\x00.evil.com/", None),
        ("https://allowed。com/", None),
        ("https://аllowed.com/", None),
        ("https://allowed%2ecom/", None),
        ("https:///allowed.com/", None),
        ("https:allowed.com", None),
        ("//allowed.com/", None),
        ("allowed.com", None),
        ("javascript://allowed.com/%0aalert(1)", None),
        ("file://allowed.com/etc/passwd", None),
        ("https://allowed.com:99999/", None),
        ("https://allowed.com:/", None),
        ("https://allowed..com/", None),
        ("https://[::1/", None),
        ("https://1.2.3.4.5/", None),
        ("https://0300.1.2.9999/", None),
        ("", None),
        (5, None),
        (["https://allowed.com/"], None),
    ],
)
def test_host_in_reads_urls_strictly(url: object, wanted: bool | None) -> None:
    assert verdict_of(rule("args.url", "host_in", HOSTS), {"url": url}) is wanted


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("8.8.8.8", True),
        ("https://1.1.1.1/x", True),
        ("2606:4700:4700::1111", True),
        ("https://[2606:4700::1]:443/", True),
        ("::ffff:8.8.8.8", True),
        ("127.0.0.1", False),
        ("127.0.0.1.", False),
        ("127.1", False),
        ("127.0.1", False),
        ("2130706433", False),
        ("017700000001", False),
        ("0177.0.0.1", False),
        ("0x7f000001", False),
        ("0x7f.0.0.1", False),
        ("0X7F.1", False),
        ("http://2852039166/latest/meta-data", False),
        ("http://0xa9fea9fe/", False),
        ("http://169.254.169.254/", False),
        ("http://[::ffff:169.254.169.254]/", False),
        ("http://[::ffff:a9fe:a9fe]/", False),
        ("http://[::1]/", False),
        ("::", False),
        ("0", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("172.31.255.255", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("2002:7f00:1::", False),
        ("2002:0a00:1::1", False),
        ("2002:808:808::1", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("64:ff9b:1::808:808", False),
        ("::127.0.0.1", False),
        ("2001:0:808:808::1", False),
        ("2001:db8::1", False),
        ("2606:4700::5efe:127.0.0.1", False),
        ("http://localhost/", None),
        ("http://example.com/", None),
        ("http://127.0.0.1@8.8.8.8/", None),
        ("fe80::1%eth0", None),
        ("8.8.8.08", None),
        ("8.8.8", True),
        ("256.1.1.1", None),
        ("８.8.8.8", None),
        ("10.0.0.0/8", None),
        (2130706433, None),
    ],
)
def test_ip_public_knows_every_notation(address: object, wanted: bool | None) -> None:
    assert verdict_of(rule("args.url", "ip_public", True), {"url": address}) is wanted


def test_ip_public_false_asks_for_the_opposite_and_still_refuses_names() -> None:
    local = rule("args.url", "ip_public", False)
    assert verdict_of(local, {"url": "10.0.0.1"}) is True
    assert verdict_of(local, {"url": "8.8.8.8"}) is False
    assert verdict_of(local, {"url": "localhost"}) is None


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/srv/data", True),
        ("/srv/data/", True),
        ("/srv/data/a.txt", True),
        ("/srv//data/./a.txt", True),
        ("/srv/database", False),
        ("/srv/data_evil/x", False),
        ("/srv", False),
        ("/etc/passwd", False),
        ("/SRV/DATA/x", False),
        ("/srv/data/../secret", None),
        ("/srv/data/..", None),
        ("/srv/data/...", None),
        ("/srv/data/%2e%2e/x", None),
        ("/srv/data\\..\\x", None),
        ("/srv/data/x\x00.txt", None),
        ("/srv/data/x\n", None),
        ("/srv/data/a.txt.", None),
        ("/srv/data/a.txt ", None),
        ("/srv/data/a.txt::$DATA", None),
        ("/srv/data/PROGRA~1", None),
        ("~/x", None),
        ("C:/srv/data/x", None),
        ("/srv/data/．．/x", None),
        ("/srv/data／x", None),
        ("srv/data/x", None),
        ("", None),
        (7, None),
    ],
)
def test_path_under_needs_a_boundary_and_refuses_tricks(path: object, wanted: bool | None) -> None:
    assert verdict_of(rule("args.path", "path_under", "/srv/data"), {"path": path}) is wanted


def test_path_under_takes_several_directories_and_relative_ones() -> None:
    several = rule("args.path", "path_under", ["/srv/a", "docs"])
    assert verdict_of(several, {"path": "/srv/a/x"}) is True
    assert verdict_of(several, {"path": "docs/x"}) is True
    assert verdict_of(several, {"path": "/docs/x"}) is False
    tenant = rule("args.path", "path_under", {"ref": "grant.labels.home"})
    assert verdict_of(tenant, {"path": "/home/a/x"}, Subject("g", labels={"home": "/home/a"})) is True
    assert verdict_of(tenant, {"path": "/home/b/x"}, Subject("g", labels={"home": "/home/a"})) is False
    assert verdict_of(tenant, {"path": "/home/a/x"}, Subject("g", labels={"home": "/home/../"})) is None


@pytest.mark.parametrize(
    ("to", "wanted"),
    [
        ("a@example.com", True),
        ("A.B+c@EXAMPLE.com", True),
        ("a@x.corp.example", True),
        ("a@example.com, b@example.com", True),
        (["a@example.com", "b@x.corp.example"], True),
        ("a@evil.com", False),
        ("a@example.com.evil.com", False),
        ("a@notexample.com", False),
        ("a@corp.example", False),
        ("a@example.com,b@evil.com", False),
        ("a@example.com; b@evil.com", False),
        (["a@example.com", "b@evil.com"], False),
        ("Bob <a@example.com>", None),
        ("evil@evil.com <a@example.com>", None),
        ('"a@evil.com"@example.com', None),
        ("a%evil.com@example.com", None),
        ("evil.com!a@example.com", None),
        ("a@b@example.com", None),
        ("a@example.com\nBcc: b@evil.com", None),
        ("a@[127.0.0.1]", None),
        ("a@127.0.0.1", None),
        ("a@exаmple.com", None),
        ("a@example.com.", None),
        ("a@example.com,", None),
        ("@example.com", None),
        ("", None),
        ([], None),
        (["a@example.com", 5], None),
        ({"to": "a@example.com"}, None),
    ],
)
def test_email_domain_in_judges_every_address(to: object, wanted: bool | None) -> None:
    assert verdict_of(rule("args.to", "email_domain_in", ["example.com", "*.corp.example"]), {"to": to}) is wanted


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        (["git", "status"], True),
        (["git", "log"], True),
        (["git", "push"], False),
        (["git"], False),
        (["git", "status", "--output=/x"], False),
        (["git", "status\n"], False),
        ([], False),
        (["git", 1], None),
        ("git status", None),
        ([["git"], "status"], None),
    ],
)
def test_argv_matches_position_by_position(argv: object, wanted: bool | None) -> None:
    assert verdict_of(rule("args.argv", "argv_matches", ["git", "status|log"]), {"argv": argv}) is wanted


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("select * from t where a = 1", True),
        ("SELECT lower(a), count(*) FROM t GROUP BY 1 ORDER BY 2 DESC LIMIT 10;", True),
        ("with x as (select 1) select * from x", True),
        ("select a from t union all select b from u", True),
        ("select a from t -- a remark", True),
        ("delete from t", False),
        ("insert into t select * from u", False),
        ("update t set a = 1", False),
        ("select 1; drop table t", None),
        ("COMMIT; DROP TABLE t", None),
        ("with x as (delete from t returning *) select * from x", None),
        ("with x as (insert into t values (1) returning *) select * from x", None),
        ("select * into u from t", None),
        ("select * from t for update", None),
        ("select pg_sleep(10)", None),
        ("select pg_read_file('/etc/passwd')", None),
        ("select lo_import('/etc/passwd')", None),
        ("select * from dblink('host=evil', 'select 1') as t(a int)", None),
        ("select set_config('role', 'postgres', false)", None),
        ("select nextval('s')", None),
        ("select evil.lower(a) from t", None),
        ("select 'x'::regclass", None),
        ("/*!50000 drop table t */ select 1", None),
        ("select /*+ hint */ 1", None),
        ("select 1 /* a /* b */ ; drop table t */", None),
        ("select 'a\\'; drop table t; --'", None),
        ("select 1--1", None),
        ("explain analyze delete from t", None),
        ("copy t to program 'x'", None),
        ("call f()", None),
        ("drop table t", None),
        ("DROP/**/TABLE t", None),
        ("vacuum", None),
        ("begin", None),
        ("", None),
        ("select " + "(" * 60 + "1" + ")" * 60, None),
        ("select '" + "x" * 5000 + "'", None),
        ("select\x00 1", None),
        (1, None),
    ],
)
def test_sql_only_looks_at_the_whole_tree(statement: object, wanted: bool | None) -> None:
    only = rule("args.sql", "sql_only", ["select"], dialect="postgres")
    assert verdict_of(only, {"sql": statement}) is wanted


@pytest.mark.parametrize(
    ("dialect", "statement"),
    [
        ("mysql", "select * from t into outfile '/tmp/x'"),
        ("mysql", "select load_file('/etc/passwd')"),
        ("mysql", "select @a := 1"),
        ("mysql", "replace into t values (1)"),
        ("sqlite", "select load_extension('x')"),
        ("sqlite", "select * from pragma_table_info('t')"),
        ("sqlite", "attach 'x' as y"),
        ("snowflake", "select * from @stage"),
        ("bigquery", "select * from external_query('c', 'drop table t')"),
        ("trino", "select * from table(system.query('drop table t'))"),
    ],
)
def test_sql_only_refuses_what_reaches_beyond_tables(dialect: str, statement: str) -> None:
    for kinds in (["select"], ["select", "insert", "update", "delete", "merge"]):
        assert verdict_of(rule("args.sql", "sql_only", kinds, dialect=dialect), {"sql": statement}) is None


def test_the_sql_parser_is_loaded_only_by_a_rule_that_needs_it() -> None:
    code = (
        "import json, sys\n"
        "from tests.policy.calling import call, policy_of, rule\n"
        "sql = rule('args.sql', 'sql_only', ['select'], dialect='sqlite')\n"
        "policy = policy_of({'run': {}, 'query': {'schema': 'off', 'require': [sql]}})\n"
        "call(policy, {})\n"
        "assert 'sqlglot' not in sys.modules\n"
        "assert call(policy, {'sql': 'select 1'}, name='query').outcome == 'allow'\n"
        "assert 'sqlglot' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

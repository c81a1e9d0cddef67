"""Which SQL a server speaks, told from its words."""

from __future__ import annotations

from collections.abc import Iterable

DIALECTS: dict[str, str] = {
    "bigquery": "bigquery",
    "mariadb": "mysql",
    "mysql": "mysql",
    "neon": "postgres",
    "postgres": "postgres",
    "postgresql": "postgres",
    "redshift": "redshift",
    "snowflake": "snowflake",
    "sqlite": "sqlite",
    "supabase": "postgres",
    "trino": "trino",
}
"""The databases whose SQL a policy can judge, by the words that name them."""
OTHERS = frozenset(
    {
        "athena",
        "clickhouse",
        "databricks",
        "duckdb",
        "hive",
        "motherduck",
        "mssql",
        "oracle",
        "presto",
        "spark",
        "sqlserver",
        "teradata",
        "tsql",
    }
)
"""Databases whose SQL it cannot judge: where one of them is named, nothing is certain."""


def dialect_of(*sayings: Iterable[str]) -> str:
    """The dialect that the first of the sayings with a database names; "" where that is not exactly one.

    A saying is a list of words in lower case, the most reliable saying first.
    """
    for words in sayings:
        said = frozenset(words)
        named = {DIALECTS[word] for word in said if word in DIALECTS}
        if named or said & OTHERS:
            return named.pop() if len(named) == 1 and not said & OTHERS else ""
    return ""

"""SQL judged over its whole tree by a real parser. Loaded only by policies that use `sql_only`.

Everything is an allow-list: kinds of node, functions, types. What is not on it cannot be judged. Dialects in which a
statement needs no separator (T-SQL), a column may run code (Oracle) or a table name may be a file (DuckDB) are not
offered, because text alone does not tell there what a statement does.
"""

from __future__ import annotations

import logging
import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

# The library logs statements that it does not know; texts of calls do not belong in logs.
logging.getLogger("sqlglot").disabled = True

MOST_BYTES = 4096
_DEEPEST = 40
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\\]|/\*[!+mM]|/\*(?:(?!\*/).)*/\*|--(?=\S)", re.DOTALL)
"""Control characters, backslashes (escapes depend on settings of the server), comments that run or nest, `--x`."""
_PARSER_ERRORS = (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, LookupError, AssertionError)
"""Whatever the parser stumbles over, the statement is not understood."""

_KINDS: tuple[tuple[type[exp.Expr], str], ...] = (
    (exp.Query, "select"),
    (exp.Insert, "insert"),
    (exp.Update, "update"),
    (exp.Delete, "delete"),
    (exp.Merge, "merge"),
)
_ROOTS = (exp.Insert, exp.Update, exp.Delete, exp.Merge)

_NODES = frozenset(
    {
        *(exp.Select, exp.Union, exp.Intersect, exp.Except, exp.Subquery, exp.With, exp.CTE, exp.TableAlias),
        *(exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset),
        *(exp.Distinct, exp.Column, exp.Identifier, exp.Table, exp.Star, exp.Alias, exp.Literal, exp.Boolean),
        *(exp.Null, exp.Paren, exp.Tuple, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT),
        *(exp.LTE, exp.Is, exp.In, exp.Between, exp.Like, exp.ILike, exp.Exists, exp.Add, exp.Sub, exp.Mul),
        *(exp.Div, exp.Mod, exp.Neg, exp.DPipe, exp.Case, exp.If, exp.Window, exp.WindowSpec, exp.DataType),
        *(exp.DataTypeParam, exp.Interval, exp.Var, exp.Values, exp.Returning, exp.Schema, exp.When, exp.Whens),
        *_ROOTS,
    }
)
_FUNCTIONS = frozenset(
    {
        *(exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Coalesce, exp.Lower, exp.Upper, exp.Length, exp.Trim),
        *(exp.Substring, exp.Round, exp.Abs, exp.Ceil, exp.Floor, exp.Concat, exp.ConcatWs, exp.Nullif),
        *(exp.Greatest, exp.Least, exp.Cast, exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Extract),
        *(exp.TimestampTrunc, exp.DateTrunc, exp.RowNumber, exp.Stddev, exp.Variance, exp.Sqrt, exp.Pow),
        *(exp.Left, exp.Right, exp.StrPosition),
    }
)
_ALLOWED = _NODES | _FUNCTIONS


def is_only(text: str, kinds: frozenset[str], dialect: str) -> bool | None:
    """Whether the text is one statement of the kinds; None where it cannot be understood to the last node."""
    if len(text) > MOST_BYTES or len(text.encode(errors="replace")) > MOST_BYTES or _UNSAFE.search(text):
        return None
    if _depth(text) > _DEEPEST:
        return None
    try:
        statements = sqlglot.parse(text, dialect=dialect, error_level=ErrorLevel.RAISE)
        trees = [tree for tree in statements if tree is not None]
        if len(trees) != 1 or not _is_understood(trees[0]):
            return None
    except _PARSER_ERRORS:
        return None
    return next((kind in kinds for node, kind in _KINDS if isinstance(trees[0], node)), None)


def _depth(text: str) -> int:
    deepest = depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        deepest = max(deepest, depth)
    return deepest


def _is_understood(tree: exp.Expr) -> bool:
    return all(
        type(node) in _ALLOWED and _is_harmless(node) and (node is tree or type(node) not in _ROOTS)
        for node in tree.walk()
    )


def _is_harmless(node: exp.Expr) -> bool:
    """Nodes that can be more than what their type says."""
    if isinstance(node, exp.Table):
        return isinstance(node.this, exp.Identifier)
    if isinstance(node, exp.DataType):
        return node.this is not exp.DataType.Type.USERDEFINED
    if isinstance(node, exp.Insert):
        return not (node.args.get("overwrite") or node.args.get("alternative") or node.args.get("is_function"))
    return True

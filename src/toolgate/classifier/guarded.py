"""Which arguments of a tool ask for a safeguard: what they are, by their names, their descriptions and their tool."""

from __future__ import annotations

from dataclasses import dataclass

from toolgate.classifier.arguments import Argument
from toolgate.classifier.classify import Category
from toolgate.classifier.parameters import words_of
from toolgate.classifier.signals import ends_a_move, takes_code, takes_mail, takes_path, takes_sql, takes_url

_PLACES = frozenset(
    {"base", "cwd", "dir", "directory", "folder", "path", "project", "repo", "repository", "root", "vault", "work"}
    | {"workdir", "working", "workspace"}
)
"""The name of a place is made of these alone: `path`, `project_dir`."""
_ABOUT = frozenset(
    {"base64", "bytes", "cid", "code", "comments", "content", "count", "data", "description", "extension", "extensions"}
    | {"field", "fields", "filter", "firstname", "format", "glob", "hash", "html", "id", "ids", "key", "keys"}
    | {"lastname", "list", "mode", "name", "origin", "pass", "pattern", "patterns", "prefix", "prompt", "properties"}
    | {"regex", "results", "sha", "size", "str", "subject", "suffix", "template", "text", "title", "token", "type"}
    | {"types", "value", "verified", "xpath", "y"}
)
"""A name that ends so says something of a file or address."""
_PROGRAMS = frozenset({"code", "command", "cmd", "cypher", "javascript", "script", "shell"})
_QUERIES = frozenset({"execute", "query", "run", "select", "statement"})
_COPIES = frozenset({"cc", "bcc"})
_RECIPIENTS = _COPIES | {"to", "recipient", "recipients"}
_SENDS = frozenset({"send", "mail", "email", "message", "invite", "forward", "reply", "notify", "share", "draft"})
_AMOUNTS = frozenset({"amount", "cents", "lamports", "satoshis", "sats", "sum", "total", "wei"})
_BOUNDS = frozenset({"max", "maximum", "min", "minimum", "limit"})


@dataclass(slots=True, frozen=True)
class Judged:
    """A tool as its safeguards see it. `signals` are ids; `dialect` is that of its SQL, "" where that is uncertain."""

    name: str
    category: Category
    arguments: tuple[Argument, ...] = ()
    signals: frozenset[str] = frozenset()
    dialect: str = ""


def is_run(argument: Argument, tool: Judged) -> bool:
    """Whether it is a program, which the tool runs."""
    parameter = argument.parameter
    return takes_code(parameter) and parameter.words[-1] in _PROGRAMS and not is_sql(argument, tool)


def is_sql(argument: Argument, tool: Judged) -> bool:
    """Whether it is SQL by its own words, or the query of a tool that queries a database whose SQL is known."""
    if takes_sql(argument.parameter):
        return True
    said = frozenset(words_of(tool.name))
    of_database = "sql" in said or (tool.dialect != "" and not said.isdisjoint(_QUERIES))
    return of_database and argument.parameter.words in (("query",), ("statement",)) and takes_code(argument.parameter)


def is_url(argument: Argument, _: Judged) -> bool:
    """Whether it is a URL."""
    return takes_url(argument.parameter) and _is_named(argument)


def is_path(argument: Argument, tool: Judged) -> bool:
    """Whether it is a path of a file system, also where only the tool says that it is about files (`move_file`)."""
    if takes_path(argument.parameter):
        return _is_named(argument)
    return ends_a_move(words_of(tool.name), argument.parameter)


def is_place(argument: Argument) -> bool:
    """Whether the tool works in the folder that it names."""
    return _PLACES.issuperset(argument.parameter.words)


def _is_named(argument: Argument) -> bool:
    """Whether it is the file or address itself and not something about it, such as its id or its type."""
    words = argument.parameter.words
    return not words or words[-1] not in _ABOUT or (words[-1] == "name" and "file" in words)


def is_recipient(argument: Argument, tool: Judged) -> bool:
    """Whether mail goes there: elsewhere an address is a piece of data, and recipients get other things too."""
    parameter = argument.parameter
    if tool.category == "Read" or not takes_mail(parameter) or not _is_named(argument):
        return False
    if "mail" not in f"{parameter.name} {parameter.description} {tool.name}".lower() and parameter.name not in _COPIES:
        return False
    return not (_RECIPIENTS.isdisjoint(parameter.words) and _SENDS.isdisjoint(words_of(tool.name)))


def is_amount(argument: Argument) -> bool:
    """Whether it is a number that says how much is moved."""
    words = frozenset(argument.parameter.words)
    counted = argument.parameter.kind in ("number", "integer") and "[*]" not in argument.path
    return counted and bool(words & _AMOUNTS) and not words & _BOUNDS

"""Risk signals: why to look closer at a tool, each with the parameter that gives it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from toolgate.classifier.parameters import Parameter, word_set

MANY = 10
_PATH = word_set("path paths file filename filepath dir directory folder manifest cwd workdir root")
_URL = word_set("url urls uri endpoint href link webhook origin")
_CODE = word_set("sql query code script command cmd expression jql cypher graphql shell statement javascript")
_RUN = word_set("sql script command cmd shell javascript cypher")
_MARKUP = word_set("html body template markdown content markup")
_TEMPLATE = frozenset({"html", "template"})
_SECRET = word_set("password passwd secret token apikey credential credentials passphrase privatekey pat")
_SECRET_PAIRS = (("api", "key"), ("private", "key"), ("access", "key"))
_CURSORS = word_set("page next continuation cursor max sync limit pagination count")
_MAIL = word_set("email emails recipient recipients cc bcc")
_BULK = word_set("bulk batch all mass multiple many")
_ADMIN = word_set("admin sudo root superuser permission permissions role roles iam policy acl system")
_LISTS = word_set("ids items files records recipients urls emails users")


@dataclass(slots=True, frozen=True)
class Signal:
    """One signal. `id` names its kind; `parameter` gives it, "" where it is about the whole tool."""

    id: str
    text: str
    parameter: str = ""


def signals(words: Sequence[str], parameters: Sequence[Parameter], *, reads: bool) -> tuple[Signal, ...]:
    """All signals of a tool by the words of its name and its parameters; `reads` where it is of category Read."""
    return (*_of_parameters(parameters), *_of_tool(words, parameters, reads))


def _of_parameters(parameters: Sequence[Parameter]) -> Iterator[Signal]:
    for kind, label, test in (
        ("path", "Accepts file system path", takes_path),
        ("url", "Accepts URL/endpoint input", takes_url),
        ("code", "Accepts freeform code/query input", takes_code),
        ("markup", "Accepts raw HTML/template content", _takes_markup),
        ("secret", "Handles credentials or secrets", _takes_secret),
        ("mail", "Sends to addresses that the caller chooses", takes_mail),
    ):
        found = next((each.path for each in parameters if test(each)), None)
        if found is not None:
            yield Signal(kind, f"{label} ({found})", found)


def _of_tool(words: Sequence[str], parameters: Sequence[Parameter], reads: bool) -> Iterator[Signal]:
    if len(parameters) >= MANY:
        yield Signal("many", f"High parameter count ({len(parameters)} properties)")
    if not reads and (
        _BULK.intersection(words) or any(each.kind == "array" and each.name in _LISTS for each in parameters)
    ):
        yield Signal("bulk", "Bulk/mass operation — affects multiple targets")
    if _ADMIN.intersection(words) and not reads:
        yield Signal("admin", "Admin/system-level operation")


def _free_text(parameter: Parameter) -> bool:
    return parameter.kind in ("string", "array", "") and not parameter.choices


def takes_path(parameter: Parameter) -> bool:
    """Whether it is a path of a file system, by its name or its description."""
    if not _free_text(parameter):
        return False
    described = parameter.description.lower()
    named = _PATH.intersection(parameter.words) and not _URL.intersection(parameter.words)
    return bool(named) or "file path" in described or "path to the" in described


def takes_url(parameter: Parameter) -> bool:
    """Whether it is a URL."""
    return _free_text(parameter) and bool(_URL.intersection(parameter.words))


def takes_code(parameter: Parameter) -> bool:
    """Whether it is code, or a query in some language."""
    return _free_text(parameter) and bool(_CODE.intersection(parameter.words))


def runs(parameter: Parameter) -> bool:
    """Whether what it holds is run: statements, commands, scripts."""
    if not _free_text(parameter) or not _RUN.intersection(parameter.words):
        return False
    return parameter.words[-1] in _RUN


def takes_sql(parameter: Parameter) -> bool:
    """Whether it is SQL."""
    told = "sql" in parameter.words or " sql" in f" {parameter.description.lower()}"
    return _free_text(parameter) and told and (takes_code(parameter) or "sql" in parameter.words)


def takes_mail(parameter: Parameter) -> bool:
    """Whether it is a mail address to send to."""
    told = parameter.name == "to" and "mail" in parameter.description.lower()
    return _free_text(parameter) and (told or bool(_MAIL.intersection(parameter.words)))


def _takes_markup(parameter: Parameter) -> bool:
    described = parameter.description.lower()
    if not _free_text(parameter):
        return False
    told = "html" in described or "template" in described
    return bool(_TEMPLATE.intersection(parameter.words)) or (told and bool(_MARKUP.intersection(parameter.words)))


def _takes_secret(parameter: Parameter) -> bool:
    words = parameter.words
    if _CURSORS.intersection(words) or parameter.kind not in ("string", ""):
        return False
    pairs = pairwise(words)
    return bool(_SECRET.intersection(words)) or any(pair in _SECRET_PAIRS for pair in pairs)

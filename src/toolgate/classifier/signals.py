"""Risk signals: why to look closer at a tool, each with the parameters that give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from toolgate.classifier.parameters import Parameter, word_set
from toolgate.policy.categories import Category

MANY = 10
_NAMED = 3
"""Parameters that one signal names."""
_PATH = word_set("path paths file filename filepath dir directory folder manifest cwd workdir root")
_ENDS = word_set("source src destination dest dst target")
_FILES = word_set("file files folder folders directory dir")
_URL = word_set("url urls uri endpoint href link webhook origin")
_CODE = word_set("sql query code script command cmd expression jql cypher graphql shell statement javascript")
_LANGUAGES = word_set("source python js javascript sql java r c shell bash program user my html css typescript ts svg")
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
_STRANGERS = word_set(
    "web url page pages website html browser email emails mail mails message messages inbox chat thread issue issues "
    "comment comments reviews post posts tweet tweets feed rss news ticket tickets discussion transcript scrape crawl"
)
_SENDING = word_set("send post publish upload share forward reply tweet notify broadcast submit push")
_OUTSIDE = word_set(
    "email mail message messages tweet webhook sms slack discord telegram channel notification external public"
)
_UNDOING = word_set(
    "delete remove edit update favorite favourite like unlike verify cancel unsubscribe draft get list set"
)
_HOOKING = word_set("create add register subscribe set")
_NAMING = word_set("id ids type types name names count limit format address symbol status title numeric state version")
"""Behind another word they say that a parameter only names a thing: `template_id`, `token_address`."""


@dataclass(slots=True, frozen=True)
class Signal:
    """One signal. `id` names its kind; `parameter` gives it, "" where it is about the whole tool."""

    id: str
    text: str
    parameter: str = ""


def signals(
    words: Sequence[str], parameters: Sequence[Parameter], category: Category, schema: object = None
) -> tuple[Signal, ...]:
    """All signals of a tool of that category, by the words of its name and its parameters."""
    return (*_of_parameters(words, parameters, category), *_of_tool(words, parameters, category), *_undeclared(schema))


def _of_parameters(words: Sequence[str], parameters: Sequence[Parameter], category: Category) -> Iterator[Signal]:
    for kind, label, test in _TESTS:
        found = [each.path for each in parameters if test(each) or (kind == "path" and ends_a_move(words, each))]
        if found and (kind != "mail" or _mails(words, parameters, category)):
            yield Signal(kind, f"{label} ({', '.join(found[:_NAMED])})", found[0])


def _of_tool(words: Sequence[str], parameters: Sequence[Parameter], category: Category) -> Iterator[Signal]:
    if len(parameters) >= MANY:
        yield Signal("many", f"High parameter count ({len(parameters)} properties)")
    if category == "Read":
        if not _STRANGERS.isdisjoint(words) or any(takes_url(each) and "." not in each.path for each in parameters):
            yield Signal("untrusted", "Returns untrusted content")
        return
    if not _BULK.isdisjoint(words) or any(each.kind == "array" and each.name in _LISTS for each in parameters):
        yield Signal("bulk", "Bulk/mass operation — affects multiple targets")
    if not _ADMIN.isdisjoint(words):
        yield Signal("admin", "Admin/system-level operation")
    if category in ("Write", "Execute") and _sends(words, parameters):
        yield Signal("sends", "Sends data out")


def _sends(words: Sequence[str], parameters: Sequence[Parameter]) -> bool:
    """Whether what the caller gives leaves for somewhere else: a verb of sending, with a place outside."""
    if "webhook" in words and words[0] in _HOOKING:
        return True
    if not _sending(words):
        return False
    outside = not _OUTSIDE.isdisjoint(words) or words[0] in ("tweet", "notify", "publish")
    return outside or any(takes_url(each) or takes_mail(each) or each.name == "to" for each in parameters)


def _sending(words: Sequence[str]) -> bool:
    for word in words:
        if word in _UNDOING:
            return False
        if word in _SENDING:
            return True
    return False


def _mails(words: Sequence[str], parameters: Sequence[Parameter], category: Category) -> bool:
    """Whether something is sent to the addresses: those of a search, or of a new account, get nothing."""
    named = any(not _COPIES.isdisjoint(each.words) for each in parameters)
    return category in ("Write", "Execute") and (named or _sending(words) or "invite" in words)


_COPIES = word_set("cc bcc recipients")


def _undeclared(schema: object) -> Iterator[Signal]:
    """The schema itself says that it takes more than it declares; where it says nothing this is no signal."""
    about = schema if isinstance(schema, Mapping) else {}
    more = about.get("additionalProperties")
    if more is True or (isinstance(more, Mapping) and about.get("properties")):
        yield Signal("undeclared", "Undeclared properties accepted")


def _free_text(parameter: Parameter) -> bool:
    return parameter.kind in ("string", "array", "") and not parameter.choices


def _names(parameter: Parameter) -> bool:
    """Whether it only names something, as `webhook_id` does."""
    return len(parameter.words) > 1 and parameter.words[-1] in _NAMING


def takes_path(parameter: Parameter) -> bool:
    """Whether it is a path of a file system, by its name or its description."""
    if not _free_text(parameter) or _names(parameter):
        return False
    described = parameter.description[:400].lower()
    named = not _PATH.isdisjoint(parameter.words) and _URL.isdisjoint(parameter.words)
    return named or "file path" in described or "path to the" in described


def ends_a_move(words: Sequence[str], parameter: Parameter) -> bool:
    """Whether it is a path because its tool, which has these words in its name, is about files: `move_file`."""
    one = parameter.kind in ("string", "") and not parameter.choices
    return one and parameter.name.lower() in _ENDS and not _FILES.isdisjoint(words)


def takes_url(parameter: Parameter) -> bool:
    """Whether it is a URL."""
    return not _URL.isdisjoint(parameter.words) and _free_text(parameter) and not _names(parameter)


def takes_code(parameter: Parameter) -> bool:
    """Whether it is code, or a query in some language; the code of a country or of a product is a name."""
    words = parameter.words
    if _CODE.isdisjoint(words) or not _free_text(parameter) or _names(parameter):
        return False
    return len(words) == 1 or words[-1] != "code" or not _LANGUAGES.isdisjoint(words)


def runs(parameter: Parameter) -> bool:
    """Whether what it holds is run: statements, commands, scripts."""
    words = parameter.words
    return bool(words) and (words[-1] in _RUN or words[-2:] == ("sql", "query")) and _free_text(parameter)


def takes_sql(parameter: Parameter) -> bool:
    """Whether it is SQL."""
    told = "sql" in parameter.words or " sql" in f" {parameter.description[:400].lower()}"
    return _free_text(parameter) and told and (takes_code(parameter) or "sql" in parameter.words)


def takes_mail(parameter: Parameter) -> bool:
    """Whether it is a mail address to send to."""
    told = parameter.name == "to" and "mail" in parameter.description[:400].lower()
    return _free_text(parameter) and (told or not _MAIL.isdisjoint(parameter.words))


def _takes_markup(parameter: Parameter) -> bool:
    if _MARKUP.isdisjoint(parameter.words) or not _free_text(parameter) or _names(parameter):
        return False
    described = parameter.description[:400].lower()
    return not _TEMPLATE.isdisjoint(parameter.words) or "html" in described or "template" in described


def _takes_secret(parameter: Parameter) -> bool:
    words = parameter.words
    if parameter.kind not in ("string", "") or not _CURSORS.isdisjoint(words) or _names(parameter):
        return False
    return not _SECRET.isdisjoint(words) or any(pair in _SECRET_PAIRS for pair in pairwise(words))


_TESTS: tuple[tuple[str, str, Callable[[Parameter], bool]], ...] = (
    ("path", "Accepts file system path", takes_path),
    ("url", "Accepts URL/endpoint input", takes_url),
    ("code", "Accepts freeform code/query input", takes_code),
    ("markup", "Accepts raw HTML/template content", _takes_markup),
    ("secret", "Handles credentials or secrets", _takes_secret),
    ("mail", "Sends to addresses that the caller chooses", takes_mail),
)

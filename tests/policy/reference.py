"""The policy language once more, as plainly as the text of the specification: slow, recursive, straight from the JSON.

It shares no code with the engine but the parsers behind typed operators, which tests of their own judge. Values are
true, false and `None` for undefined; a place where nothing stands is `ABSENT`, one that cannot be read is `BROKEN`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import datetime
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from toolgate.policy.decision import Subject

RISKS = {"Read": "Low", "Write": "Medium", "Execute": "High", "Destructive": "Critical", "Financial": "Critical"}

ABSENT = object()
BROKEN = object()


class Call:
    def __init__(
        self,
        name: str,
        arguments: dict[str, Any],
        subject: Subject,
        now: float,
        root: str = "args",
        category: str | None = None,
        digest: str = "",
    ) -> None:
        self.name, self.arguments, self.subject, self.now, self.root = name, arguments, subject, now, root
        self.category = category
        self.digest = digest


# --- values ---------------------------------------------------------------------------------------------------------


def type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for kind, name in ((str, "string"), (list, "array"), (dict, "object")):
        if isinstance(value, kind):
            return name
    return "number"


def number(value: Any) -> Decimal | None:
    if type_of(value) != "number" or value is ABSENT or value is BROKEN:
        return None
    try:
        text = str(value)
        if len(text) > 400:
            return None
        decimal = Decimal(text)
    except (InvalidOperation, ValueError):
        return None
    if not decimal.is_finite() or abs(decimal) >= Decimal(10) ** 32:
        return None
    written = format(decimal, "f").lstrip("-").replace(".", "").lstrip("0")
    fraction = format(decimal, "f").partition(".")[2]
    if max(len(written), len(fraction)) > 32 or Decimal(repr(float(decimal))) != decimal:
        return None
    return decimal


def fold(key: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", key).casefold())


def steps_of(path: str) -> list[Any]:
    """`args.a["b.c"][0][*]` as `["args", "a", "b.c", 0, "*each*"]`, the last as a tuple."""
    found: list[Any] = []
    for bare, quoted, index, each in re.findall(r'([^.\[\]"]+)|\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|(\[\*\])', path):
        if bare:
            found.append(bare)
        elif each:
            found.append(("each",))
        elif index:
            found.append(int(index))
        else:
            found.append(json.loads(f'"{quoted}"'))
    return found


def step_into(value: Any, step: Any) -> Any:
    if value is ABSENT or value is BROKEN:
        return value
    if isinstance(step, int):
        if not isinstance(value, list):
            return BROKEN
        return value[step] if step < len(value) else ABSENT
    if not isinstance(value, dict):
        return BROKEN
    same = [key for key in value if fold(key) == fold(step)]
    if not same:
        return ABSENT
    return value[step] if same == [step] else BROKEN


# --- conditions -----------------------------------------------------------------------------------------------------


def context(path: str, zone: str, call: Call) -> Any:
    subject, moment = call.subject, datetime.fromtimestamp(call.now, ZoneInfo(zone))
    if path.startswith("grant.labels"):
        return subject.labels.get(steps_of(path)[2], ABSENT)
    return {
        "grant.label": subject.label or ABSENT,
        "principal": subject.principal or ABSENT,
        "session.id": subject.session_id or ABSENT,
        "time.hour": moment.hour,
        "time.weekday": moment.weekday() + 1,
        "time.iso": moment.strftime("%Y-%m-%dT%H:%M:%S")
        + (moment.strftime("%z")[:3] + ":" + moment.strftime("%z")[3:]),
        "tool.name": call.name,
        "tool.category": call.category or ABSENT,
        "tool.risk": RISKS[call.category] if call.category else ABSENT,
    }[path]


def same(value: Any, wanted: Any) -> bool | None:
    if type_of(wanted) != type_of(value) or value is ABSENT or value is BROKEN:
        return None
    if type_of(wanted) == "number":
        return None if number(value) is None else number(value) == number(wanted)
    return bool(value == wanted)


def ask(op: str, value: Any, wanted: Any) -> bool | None:
    if op == "exists":
        if value is ABSENT:
            return wanted is False
        return None if value is BROKEN or value is None else wanted is True
    if value is ABSENT or value is BROKEN:
        return None
    if op in ("neq", "not_in"):
        positive = ask({"neq": "eq", "not_in": "in"}[op], value, wanted)
        return None if positive is None else not positive
    if op == "eq":
        return same(value, wanted)
    if op == "in":
        of_type = [member for member in wanted if type_of(member) == type_of(value)]
        if not wanted:
            return False
        if not of_type or (type_of(value) == "number" and number(value) is None):
            return None
        return any(same(value, member) for member in of_type)
    if op in ("lt", "lte", "gt", "gte"):
        return order(op, value, wanted)
    return ask_text(op, value, wanted)


def order(op: str, value: Any, wanted: Any) -> bool | None:
    if type_of(value) != type_of(wanted) or type_of(wanted) not in ("number", "string"):
        return None
    left, right = (value, wanted) if type_of(wanted) == "string" else (number(value), number(wanted))
    if left is None or right is None:
        return None
    return bool({"lt": left < right, "lte": left <= right, "gt": left > right, "gte": left >= right}[op])


def ask_text(op: str, value: Any, wanted: Any) -> bool | None:
    if op == "length_lte":
        return len(value) <= wanted if isinstance(value, str | list) else None
    if op == "contains" and isinstance(value, list):
        answers = [same(item, wanted) for item in value]
        return True if True in answers else None if None in answers else False
    if op == "argv_matches":
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            return None
        return len(value) == len(wanted) and all(re.fullmatch(p, v) for p, v in zip(wanted, value, strict=True))
    if not isinstance(value, str) or (op != "argv_matches" and not isinstance(wanted, str)):
        return None
    if op in ("regex", "full_match"):
        pattern = wanted.replace("$", r"\Z")  # generated patterns use `$` only as an anchor
        return bool(re.search(pattern, value) if op == "regex" else re.fullmatch(pattern, value))
    return {"contains": wanted in value, "starts_with": value.startswith(wanted), "ends_with": value.endswith(wanted)}[
        op
    ]


def wanted_value(condition: dict[str, Any], call: Call) -> Any:
    value = condition["value"]
    if isinstance(value, dict):
        found = context(value["ref"], condition.get("zone", "UTC"), call)
        return found.replace("+00:00", "Z") if value["ref"] == "time.iso" else found
    return value


def holds(conditions: list[tuple[dict[str, Any], list[Any]]], base: Any, call: Call, every: bool) -> bool | None:
    """AND of conditions whose remaining steps start at `base`; those that share the way to `[*]` share the element."""
    answers: list[bool | None] = []
    together: dict[str, list[tuple[dict[str, Any], list[Any]]]] = {}
    for condition, steps in conditions:
        if condition["path"].split(".")[0].split("[")[0] != call.root:
            value = context(condition["path"], condition.get("zone", "UTC"), call)
            if condition["path"] == "time.iso":
                value = value.replace("+00:00", "Z")
            answers.append(compare(condition, value, call))
        elif ("each",) in steps:
            at = steps.index(("each",))
            together.setdefault(json.dumps(steps[:at]), []).append((condition, steps[at + 1 :]))
        else:
            value = base
            for step in steps:
                value = step_into(value, step)
            answers.append(compare(condition, value, call))
    for way, inner in together.items():
        value = base
        for step in json.loads(way):
            value = step_into(value, step)
        items = value if isinstance(value, list) else [value if value in (ABSENT, BROKEN) else BROKEN]
        answers.append(quantified([holds(inner, item, call, every) for item in items], every))
    return kleene_and(answers)


def compare(condition: dict[str, Any], value: Any, call: Call) -> bool | None:
    wanted = wanted_value(condition, call)
    if wanted is ABSENT:
        return None
    if (
        isinstance(condition["value"], dict)
        and condition["op"] in ("starts_with", "ends_with")
        and not isinstance(wanted, str)
    ):
        return None
    return ask(condition["op"], value, wanted)


def kleene_and(answers: list[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def quantified(answers: list[bool | None], every: bool) -> bool | None:
    if every:
        return kleene_and(answers)
    return True if True in answers else None if None in answers else False


def rule_holds(rule: dict[str, Any], call: Call, every: bool) -> bool | None:
    return holds([(c, steps_of(c["path"])[1:]) for c in rule["conditions"]], call.arguments, call, every)


# --- documents ------------------------------------------------------------------------------------------------------


def covers(key: str, name: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, key.split("*"))), name, re.DOTALL) is not None


def applying(document: dict[str, Any], section: str, name: str) -> list[tuple[str, str, dict[str, Any]]]:
    entries = document.get(section, {})
    exact = [key for key in entries if "*" not in key and key == name]
    patterns = sorted(key for key in entries if "*" in key and covers(key, name))
    return [(key, f"/{section}/" + key.replace("~", "~0").replace("/", "~1"), entries[key]) for key in exact + patterns]


def limits_of(section: str, key: str, pointer: str, entry: dict[str, Any]) -> list[dict[str, Any]]:
    found = [
        {**limit, "pointer": f"{pointer}/limits/{place}", "name": limit["counter"]}
        for place, limit in enumerate(entry.get("limits", []))
    ]
    if "rate_limit" in entry:
        name = f"rate_limit:{key}" if section == "tools" else f"{section}/rate_limit:{key}"
        found.append({**short_form(entry["rate_limit"]), "name": name, "pointer": f"{pointer}/rate_limit"})
    return found


def short_form(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    most, _, unit = value.partition("/")
    return {"max": int(most), "window": {"second": 1, "minute": 60, "hour": 3600, "day": 86400}[unit]}


def every_limit(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = limits_of("all_tools", "all_tools", "/all_tools", document.get("all_tools", {}))
    for section in ("tools", "methods"):
        for key, entry in document.get(section, {}).items():
            pointer = f"/{section}/" + key.replace("~", "~0").replace("/", "~1")
            found += limits_of(section, key, pointer, entry)
    return found


Entries = list[tuple[str, str, dict[str, Any]]]


def judge(document: dict[str, Any], call: Call) -> tuple[str, str, dict[str, tuple[int, int, str]]]:
    """Outcome, rule, and charges as {counter name with scope: (amount, maximum, rule)}. No definition is known."""
    section = "tools" if call.root == "args" else "methods"
    entries = applying(document, section, call.name)
    refused = refused_by_name(document, section, entries, call.name)
    if section == "tools" and "all_tools" in document:
        entries.append(("all_tools", "/all_tools", document["all_tools"]))
    if section == "tools" and not refused and wants_schema(entries):
        refused = "(schema)"  # no definition is known here
    refused = refused or refused_by_rules(entries, call)
    if refused:
        return "deny", refused, {}
    limits = [
        limit
        for key, pointer, entry in entries
        for limit in limits_of("all_tools" if pointer == "/all_tools" else section, key, pointer, entry)
    ]
    charged, refused = charges(document, limits, call)
    if refused:
        return "deny", refused, {}
    charged |= repeats(entries, call, section)
    if section == "tools":
        charged |= flows(document, call)
    asked = asks_a_person(entries, call)
    return ("wait", asked, charged) if asked else ("allow", "", charged)


def refused_by_name(document: dict[str, Any], section: str, entries: Entries, name: str) -> str:
    if section == "tools" and any(covers(key, name) for key in document.get("hide", [])):
        return "(hidden)"
    if document["default"] == "deny" and not any("*" not in key or e.get("action") == "allow" for key, _, e in entries):
        return "(default deny)" if section == "tools" else "(method)"
    return next((f"{pointer}/action" for _, pointer, entry in entries if entry.get("action") == "deny"), "")


def wants_schema(entries: Entries) -> bool:
    """Whether any entry wants arguments checked: by its word, or by reading them; `all_tools` gives way to words."""
    words = []
    for _, pointer, entry in entries:
        if "schema" in entry:
            words.append(entry["schema"])
        elif pointer != "/all_tools" and reads_arguments(entry):
            words.append("auto")
    if not words:
        return any(reads_arguments(entry) for _, _, entry in entries)
    return any(word != "off" for word in words)


def reads_arguments(entry: dict[str, Any]) -> bool:
    rules = [rule for kind in ("require", "deny_if", "require_approval") for rule in entry.get(kind, [])]
    paths = [condition["path"] for rule in rules for condition in rule["conditions"]]
    paths += [limit["cost"] for limit in entry.get("limits", []) if isinstance(limit.get("cost"), str)]
    return any(path.startswith("args") for path in paths)


def refused_by_rules(entries: Entries, call: Call) -> str:
    for kind, passing in (("require", True), ("deny_if", False)):
        for _, pointer, entry in entries:
            for place, rule in enumerate(entry.get(kind, [])):
                if rule_holds(rule, call, every=passing) is not passing:
                    return f"{pointer}/{kind}/{place}"
    return ""


def asks_a_person(entries: Entries, call: Call) -> str:
    for _, pointer, entry in entries:
        if entry.get("action") == "require_approval":
            return f"{pointer}/action"
        for place, rule in enumerate(entry.get("require_approval", [])):
            if rule_holds(rule, call, every=False) is not False:
                return f"{pointer}/require_approval/{place}"
    return ""


def charges(
    document: dict[str, Any], limits: list[dict[str, Any]], call: Call
) -> tuple[dict[str, tuple[int, int, str]], str]:
    found: dict[str, tuple[int, int, str]] = {}
    for counter in dict.fromkeys((limit.get("scope", "grant"), limit["name"]) for limit in limits):
        mine = [limit for limit in limits if (limit.get("scope", "grant"), limit["name"]) == counter]
        all_of_it = [one for one in every_limit(document) if (one.get("scope", "grant"), one["name"]) == counter]
        amount = Decimal(0)
        for limit in mine:
            cost = limit.get("cost", 1)
            if isinstance(cost, str):
                value: Any = call.arguments
                for step in steps_of(cost)[1:]:
                    value = step_into(value, step)
                cost = number(value)
                if cost is None or cost < 0:
                    return {}, limit["pointer"]
            amount = max(amount, Decimal(str(cost)))
        tightest = min(Decimal(str(limit["max"])) for limit in all_of_it)
        source = next(one for one in [*mine, *all_of_it] if Decimal(str(one["max"])) == tightest)
        nano = int((amount * 10**9).to_integral_value(ROUND_CEILING))
        found["/".join(counter)] = nano, int(tightest * 10**9), source["pointer"]
    return found, ""


# --- earlier calls --------------------------------------------------------------------------------------------------


def repeats(entries: Entries, call: Call, section: str) -> dict[str, tuple[int, int, str]]:
    """Identical calls: by the entry, the tool and what stands for the arguments."""
    found = {}
    for key, pointer, entry in entries:
        if "repeat_limit" in entry:
            limit = short_form(entry["repeat_limit"])
            of = "all_tools" if pointer == "/all_tools" else section
            name = f"repeat_limit:{key}" if of == "tools" else f"{of}/repeat_limit:{key}"
            counter = f"{limit.get('scope', 'grant')}/{name}/{limit['window']}/{call.name}/{call.digest}"
            found[counter] = 10**9, limit["max"] * 10**9, f"{pointer}/repeat_limit"
    return found


def flows(document: dict[str, Any], call: Call) -> dict[str, tuple[int, int, str]]:
    """What the call sets and asks of each mark. Flows after the same tools share one; the first to deny is named."""
    found: dict[str, tuple[int, int, str]] = {}
    for place, flow in enumerate(document.get("flows", [])):
        first, second = is_of(flow["after"], call), "and_after" in flow and is_of(flow["and_after"], call)
        parts = (1 if first else 0) + (2 if second else 0)
        asked = 0
        if is_of(flow["deny"], call):
            asked = 3 if "and_after" in flow else 1
        if not parts and not asked:
            continue
        mark = mark_of(flow, call.subject)
        if mark not in found or (asked and not found[mark][1]):
            found[mark] = parts * 10**9, asked * 10**9, f"/flows/{place}"
    return found


def is_of(items: list[Any], call: Call) -> bool:
    for item in items:
        if isinstance(item, str):
            if covers(item, call.name):
                return True
        elif call.category is None or call.category in item["category"]:  # a word, or a list of words
            return True
    return False


def mark_of(flow: dict[str, Any], subject: Subject) -> str:
    within = flow.get("within", "session")
    whose = "session" if within == "session" and subject.session_id else "grant"
    if within == "session":
        seconds = 7 * 86400 if subject.session_id else 86400
    else:
        seconds = int(within[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[within[-1]]
    legs = [sorted({key for item in flow.get(leg, []) for key in plain(item)}) for leg in ("after", "and_after")]
    return f"{whose}/{seconds}/{within == 'session'}/{legs}"


def plain(item: Any) -> list[str]:
    if isinstance(item, str):
        return [item]
    words = [item["category"]] if isinstance(item["category"], str) else item["category"]
    return [f"category {word}" for word in words]

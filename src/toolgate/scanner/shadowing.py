"""What servers that are used together do to each other: names that stand on both, and texts that speak of others'.

Only for servers of one machine. In a catalogue of strangers every other name stands twice, and harms nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from toolgate.classifier.hazards.hazard import Hazard, excerpt
from toolgate.classifier.hazards.letters import skeleton
from toolgate.classifier.hazards.texts import survey
from toolgate.scanner.findings import Finding, of_hazard
from toolgate.scanner.judging import Report
from toolgate.scanner.rules import RULES
from toolgate.scanner.targets import Kept

_MENTION: Final = "mentions-other-server"
_WORD: Final = re.compile(r"\w[\w.-]*\w")


def shadows(reports: Sequence[Report]) -> list[Finding]:
    """The findings of all servers against each other."""
    together = [report for report in reports if not isinstance(report.target.way, Kept)]
    return [*_same_names(together), *_mentions(together)]


def _same_names(reports: Sequence[Report]) -> Iterator[Finding]:
    looks: dict[str, list[tuple[str, str]]] = {}
    for report in reports:
        for name in dict.fromkeys(tool.name for tool in report.tools if tool.name):
            for server, other in looks.get(skeleton(name), []):
                if server != report.name:
                    yield _shadow(report.name, name, server, other)
            looks.setdefault(skeleton(name), []).append((report.name, name))


def _shadow(server: str, name: str, other_server: str, other: str) -> Finding:
    if name.lower() == other.lower():
        return Finding(
            "shadowed-name", server, name, "name", f"stands on server {other_server[:100]} too", other_server
        )
    detail = f"looks like `{other[:100]}` of server {other_server[:100]}"
    return Finding("look-alike-name", server, name, "name", detail, other[:200])


def _mentions(reports: Sequence[Report]) -> Iterator[Finding]:
    owners = {tool.name: report.name for report in reports for tool in report.tools if _is_telling(tool.name)}
    if len({report.name for report in reports}) < 2 or not owners:
        return
    for report in reports:
        own = {tool.name for tool in report.tools} | {item.name for item in report.items}
        strange = {name: server for name, server in owners.items() if name not in own}
        for tool in report.tools:
            for hazard in _mention(tool.definition, strange):
                yield of_hazard(hazard, report.name, tool.name)
        for item in report.items:
            for hazard in _mention(item.said, strange) if item.kind in RULES[_MENTION].about else ():
                yield of_hazard(hazard, report.name, item=item.label)


def _mention(said: object, strange: dict[str, str]) -> Iterator[Hazard]:
    """The first text that speaks of a tool of another server."""
    texts = survey(said).texts
    own = {each.text for each in texts}  # a parameter or a choice that is called so is meant where it is spoken of
    for each in texts:
        words = () if each.named else _WORD.finditer(each.text)
        found = next((word for word in words if word[0] in strange and word[0] not in own), None)
        if found is not None:
            detail = f"speaks of `{found[0]}`, a tool of server {strange[found[0]][:100]}"
            quote = excerpt(each.text, *found.span())
            yield Hazard(_MENTION, each.place, detail, quote)
            return


def _is_telling(name: str) -> bool:
    """Whether a name is no word of the language: `search` stands in every other description."""
    return 5 <= len(name) <= 128 and re.search(r"[_\-.]|[a-z][A-Z]", name[1:-1]) is not None

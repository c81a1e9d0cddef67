"""The presets that come with Toolgate, and the two ways to use one: begin a document with it, or add it to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolgate.policy.names import is_pattern
from toolgate.policy.presets.amounts import LOOP_BREAKER, MONEY_CAP
from toolgate.policy.presets.parted import LETHAL_TRIFECTA
from toolgate.policy.presets.preset import Added, BadOption, Given, Known, Preset
from toolgate.policy.presets.sorts import FREEZE, READ_ONLY

PRESETS: tuple[Preset, ...] = (LETHAL_TRIFECTA, READ_ONLY, FREEZE, MONEY_CAP, LOOP_BREAKER)


def preset_of(name: str) -> Preset:
    """The preset of that name. Raises BadOption."""
    found = next((preset for preset in PRESETS if preset.name == name), None)
    if found is None:
        known = ", ".join(f"`{preset.name}`" for preset in PRESETS)
        raise BadOption("preset", f"there is no preset `{name}`", f"use one of {known}")
    return found


def add(preset: Preset, document: dict[str, Any], known: Sequence[Known], given: Given) -> Added:
    """The document with the rules of the preset behind its own. What it denies stays denied. Raises BadOption."""
    if preset.needs_tools and not known:
        raise BadOption("tools", f"`{preset.name}` is made from the tools of a server", "say which server or tools")
    return preset.add(document, known, _complete(preset, given))


def begin(preset: Preset, known: Sequence[Known], given: Given) -> Added:
    """A document that lists these tools (every tool where none are known) and has the preset. Raises BadOption."""
    return add(preset, {"version": "1", "default": "deny", "tools": listing(preset, known)}, known, given)


def listing(preset: Preset, known: Sequence[Known]) -> dict[str, Any]:
    """What stands under `tools` of a document that begins with the preset."""
    if not known:
        return {"*": {"action": "allow"}}
    return {tool.name: {} for tool in known if not is_pattern(tool.name) and preset.lists(tool)}


def _complete(preset: Preset, given: Given) -> Given:
    """Every option of the preset, those left out by default. Raises BadOption for a stranger and for a missing one."""
    known = {option.name: option for option in preset.options}
    for name in given:
        if name not in known:
            allowed = ", ".join(f"`{option}`" for option in known) or "none"
            raise BadOption(name, f"is no option of `{preset.name}`", f"leave it out; its options are: {allowed}")
    whole = {name: given.get(name, "").strip() or option.default for name, option in known.items()}
    for name, value in whole.items():
        if not value:
            mend = f"{known[name].words[0].lower()}{known[name].words[1:]}, such as `{known[name].example}`"
            raise BadOption(name, f"`{preset.name}` needs it", mend)
    return whole

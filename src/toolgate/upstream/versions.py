"""Whether the command that starts a server says which version of it: otherwise it may be another program tomorrow."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Final

_NPM: Final = re.compile(r"(?:npm:)?(?:@[^/@\s]+/)?[^/@\s]+@\d+\.\d+\.\d+[^\s<>=^~*|]*")
_PYTHON: Final = re.compile(r"[A-Za-z0-9._-]+(?:\[[^\]]*\])?(?:==|@)\d[A-Za-z0-9.!+_-]*")
_COMMIT: Final = re.compile(r"[^\s]+[@#][0-9a-f]{40}(?:#.*)?")
_IMAGE: Final = re.compile(r"[^\s]+@sha256:[0-9a-f]{64}")
_LOCAL: Final = re.compile(r"(?:\.{0,2}/|~|file:|[A-Za-z]:\\)")
_VALUED: Final = {
    "npm": {"-p", "--package", "-c", "--call", "-w", "--workspace", "--cache", "--registry", "--prefix"},
    "python": {
        *("--from", "--with", "--python", "-p", "--index", "--default-index", "--index-url", "-i", "--directory"),
        *("--spec", "--pip-args", "--suffix"),
    },
    "image": {
        *("-e", "--env", "--env-file", "-v", "--volume", "--mount", "-p", "--publish", "--name", "--network", "--net"),
        *("-u", "--user", "-w", "--workdir", "--entrypoint", "-l", "--label", "--platform", "--pull", "-m", "--memory"),
        *("--cpus", "--cap-add", "--cap-drop", "--security-opt", "--add-host", "--dns", "-h", "--hostname", "--tmpfs"),
    },
}
"""Options whose value is the next word."""
_NAMING: Final = {"npm": ("-p", "--package"), "python": ("--from", "--spec"), "image": ()}
"""Options that name what is fetched, in place of the first word."""
_RUNNERS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "npx": ((), "npm"),
    "pnpx": ((), "npm"),
    "bunx": ((), "npm"),
    "npm": (("exec", "x"), "npm"),
    "pnpm": (("dlx",), "npm"),
    "yarn": (("dlx",), "npm"),
    "bun": (("x",), "npm"),
    "uvx": ((), "python"),
    "uv": (("tool run", "x"), "python"),
    "pipx": (("run",), "python"),
    "docker": (("run", "container run"), "image"),
    "podman": (("run", "container run"), "image"),
}
"""Programs that fetch what they run, the words that make them do it, and what they fetch."""


def floating(command: Sequence[str]) -> str:
    """What a command fetches without saying which version; "" where it says so or fetches nothing.

    A tag such as `latest`, a range and a container's tag are no versions: they are moved. Programs that are not known
    to fetch anything are believed to be what lies on the disk. Of an address only the scheme is told: the rest may hold
    a credential.
    """
    program = PurePath(command[0].replace("\\", "/")).name.lower() if command else ""
    words, kind = _RUNNERS.get(program.removesuffix(".cmd").removesuffix(".exe"), ((), ""))
    rest = _behind(command[1:], words) if kind else None
    fetched = "" if rest is None else _fetched(rest, kind)
    if not fetched or _LOCAL.match(fetched) or _FIXED[kind](fetched):
        return ""
    scheme, sign, _ = fetched.partition("//")
    return f"{scheme}//..." if sign else fetched


def _behind(arguments: Sequence[str], words: tuple[str, ...]) -> Sequence[str] | None:
    """What follows the words that make a program fetch; None where it does something else."""
    if not words:
        return arguments
    for each in (word.split() for word in words):
        if list(arguments[: len(each)]) == each:
            return arguments[len(each) :]
    return None


def _fetched(arguments: Sequence[str], kind: str) -> str:
    """The first word that is no option, or what an option names in its place."""
    at = 0
    while at < len(arguments):
        option, sign, value = arguments[at].partition("=")
        if option in _NAMING[kind]:
            return value if sign else "".join(arguments[at + 1 : at + 2])
        if not option.startswith("-"):
            return arguments[at]
        at += 2 if option in _VALUED[kind] and not sign else 1
    return ""


def _is_fixed_package(package: str) -> bool:
    return bool(_NPM.fullmatch(package) or _COMMIT.fullmatch(package))


def _is_fixed_distribution(requirement: str) -> bool:
    return bool(_PYTHON.fullmatch(requirement) or _COMMIT.fullmatch(requirement))


def _is_fixed_image(image: str) -> bool:
    return _IMAGE.fullmatch(image) is not None


_FIXED: Final[Mapping[str, Callable[[str], bool]]] = {
    "npm": _is_fixed_package,
    "python": _is_fixed_distribution,
    "image": _is_fixed_image,
}

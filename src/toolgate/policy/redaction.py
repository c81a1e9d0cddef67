"""Keys and tokens in the strings of a message: found wherever they stand, and replaced by the name of their kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from toolgate.policy.detectors import ALL, Detector, finder, scout
from toolgate.protocol.json_strings import rewritten

__all__ = ["ALL", "Redaction"]


@dataclass(slots=True)
class Redaction:
    """One message through the detectors. `found` counts what was replaced, by the name of its detector."""

    detectors: tuple[Detector, ...]
    found: dict[str, int] = field(default_factory=dict)

    def of(self, message: bytes) -> bytes:
        """The JSON text with every secret replaced, names of members included; raises NoJson.

        Strings without one, and everything between strings, stay the bytes they were.
        """
        return rewritten(message, self._change) if self._may_find(message) else message

    def _may_find(self, message: bytes) -> bool:
        """Whether it is worth while to read the strings: an escape can hide a hint, so it counts as one."""
        return scout(self.detectors, "\\u00", "\\/")(message) is not None

    def _change(self, name: str, text: str) -> str:
        whole = f'{name}="{text}'
        if scout(self.detectors)(whole.encode()) is None:
            return text
        whole = whole.lower()
        for detector in self.detectors:
            if any(hint.lower() in whole for hint in detector.hints):
                text = self._replaced(detector, name, text)
        return text

    def _replaced(self, detector: Detector, name: str, text: str) -> str:
        before = f'{name}="' if detector.assigned and name else ""
        plain = (before + text).encode()
        parts, done = [], len(before.encode())
        for start, end in _spans(detector, plain):
            if start >= done:
                parts += [plain[done:start], f"[redacted: {detector.name}]".encode()]
                done = end
        if not parts:
            return text
        self.found[detector.name] = self.found.get(detector.name, 0) + len(parts) // 2
        return b"".join((*parts, plain[done:])).decode()


def _spans(detector: Detector, text: bytes) -> Iterator[tuple[int, int]]:
    """Where the secrets stand: a match, or the group of it."""
    for match in finder(detector)(text):
        yield match.span(match.re.groups)

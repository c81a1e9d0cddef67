"""Files that people name on the command line."""

from __future__ import annotations

from pathlib import Path

from toolgate.store.errors import BadInput
from toolgate.store.names import shown


def read_bytes(file: Path, most: int, mend: str) -> bytes:
    """What is in a file of at most `most` bytes; `mend` says what to do about a larger one. Raises BadInput."""
    try:
        with file.open("rb") as opened:
            body = opened.read(most + 1)
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "not a path"
        raise BadInput(shown(str(file)), f"cannot be read: {cause}", "check the path") from error
    if len(body) > most:
        raise BadInput(shown(str(file)), f"is larger than {most} bytes", mend)
    return body


def read_text(file: Path, most: int, mend: str) -> str:
    """The same as text. Raises BadInput, also where it is not UTF-8."""
    try:
        return read_bytes(file, most, mend).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(shown(str(file)), "is not UTF-8", "save it in UTF-8") from error


def write_text(file: Path, text: str) -> None:
    """Write or replace a file, with the folders above it. Raises BadInput."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "not a path"
        raise BadInput(shown(str(file)), f"cannot be written: {cause}", "check the path") from error

"""Where things lie by default."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from toolgate.cli.chosen import refuse_elsewhere
from toolgate.store.errors import BadInput


def data_directory(option: str | None) -> Path:
    """Where `--data`, TOOLGATE_DATA or the platform says. Raises BadInput, also where `--url` names another machine."""
    refuse_elsewhere()
    if option is None:
        return platformdirs.user_data_path("toolgate", appauthor=False)
    if not option or "\0" in option:
        raise BadInput("--data", "is empty" if not option else "holds a NUL", "give a directory")
    return Path(option).expanduser()

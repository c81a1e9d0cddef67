"""Which installation a command works on."""

from __future__ import annotations

from toolgate.cli.administration import Administration
from toolgate.cli.installation import Installation


def administration(data: str | None) -> Administration:
    """The installation that `--url` names, else the data directory of `--data`. Raises ToolgateError."""
    # Imported here: what one of them needs, the other does not, and help needs neither.
    from toolgate.cli.local import Local

    return Local(Installation.at(data))

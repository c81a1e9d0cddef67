"""Telling every process that holds the master key of a rotation, and waiting until each has read the files anew.

Gateways, control processes and `toolgate run` listen in `DATA/wake-keys`, each on a socket of its own. They are sent
the mark of the keys that lie in the files, and answer with it once they hold exactly those.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from toolgate.background import complain
from toolgate.errors import ToolgateError
from toolgate.keys import MasterKey
from toolgate.store.changes import Confirmed, Listening, announce, listen

_WHERE: Final = "wake-keys"
_REFUSED: Final = 0


async def follow_files(data: Path, master: MasterKey) -> Listening:
    """Keep `master` what its files say, for as long as the returned end listens. Raises ToolgateError."""

    async def woken(mark: int) -> int:
        try:
            master.reload()
        except ToolgateError as error:
            complain(f"the master key could not be read anew: {error}")
            return _REFUSED
        return mark if master.mark == mark else _REFUSED

    listening = await listen(data, woken, _WHERE)
    master.reload()  # what was replaced since it was loaded was announced to nobody here
    return listening


def tell_holders(data: Path, master: MasterKey, timeout: float) -> Confirmed:
    """Return when every process of this machine holds the keys of `master`, or after `timeout` seconds."""
    return announce(data, master.mark, timeout, _WHERE)

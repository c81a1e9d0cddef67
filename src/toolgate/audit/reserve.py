"""Room kept free on the disk for the journal's last words."""

from __future__ import annotations

import os
from pathlib import Path

from toolgate.audit.segments import write_whole

SIZE = 1024 * 1024


class Reserve:
    """A file of zeros. Released when the disk is full, it makes room for the ends of calls that are under way.

    New calls are denied until it could be claimed again, so the room is there the next time too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def claim(self) -> None:
        """Occupy the room; does nothing when it is held already. Raises OSError and leaves no part of it."""
        if self._path.exists() and self._path.stat().st_size == SIZE:
            return
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            write_whole(descriptor, bytes(SIZE))
        except OSError:
            self.release()
            raise
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Give the room back to the disk."""
        self._path.unlink(missing_ok=True)

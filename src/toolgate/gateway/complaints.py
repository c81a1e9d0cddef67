"""What the operator must know, on standard error."""

from __future__ import annotations

import sys


def complain(text: str) -> None:
    """One line for the operator's log."""
    sys.stderr.write(f"toolgate: {text}\n")
    sys.stderr.flush()

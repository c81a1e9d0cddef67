"""Exit codes, the same for every command."""

from toolgate.errors import ToolgateError
from toolgate.store.errors import Busy

OK = 0
FINDINGS = 1
"""The command did its work and the answer is no: findings, a failing case, a broken chain."""
BAD_INPUT = 2
"""The command line, a file, a name or the database is not what it must be; nothing was changed."""
UNREACHED = 3
"""Somebody did not answer: an upstream server, a running gateway, a lock."""
UNEXPECTED = 70
INTERRUPTED = 130


def of(error: ToolgateError) -> int:
    """The exit code of an error that ends a command."""
    return UNREACHED if isinstance(error, Busy) else BAD_INPUT

"""What the store refuses, and what it could not do."""

from toolgate.errors import ToolgateError


class StoreError(ToolgateError):
    """The database could not be read or written, or a request contradicts what it holds. Nothing was changed."""


class Busy(StoreError):
    """Another process holds the database longer than a writer waits. Nothing was changed; trying again may help."""


class NotStored(StoreError):
    """A server, policy, grant or definition that was referred to does not exist (or the reference fits several)."""


class Conflict(StoreError):
    """What was asked contradicts what is stored: a name that is taken, a policy in use. Nothing was changed."""


class BadInput(StoreError):
    """A name, URL, header, label or setting that is not well-formed. Nothing was changed."""

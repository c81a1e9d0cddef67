"""What an edit of a policy says when it cannot be made."""

from __future__ import annotations

from toolgate.errors import ToolgateError


class NotPossible(ToolgateError):
    """An edit that the policy as it stands does not allow."""

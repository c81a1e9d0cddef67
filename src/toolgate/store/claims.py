"""The claims of an access token that a grant is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from toolgate.store.errors import BadInput
from toolgate.store.names import shown

MOST: Final = 16
_LONGEST: Final = 512


def check_claims(place: str, claims: Mapping[str, object]) -> dict[str, object]:
    """Claims with their values; none for a grant that no access token leads to. Raises BadInput.

    The issuer alone is everybody who can sign in there, which nobody means: at least one more claim is needed.
    """
    if not claims:
        return {}
    if "iss" not in claims:
        raise BadInput(place, "name no issuer", "say `iss`: a claim of one issuer means nothing at another")
    if len(claims) < 2:
        raise BadInput(place, "are everybody's who signs in at this issuer", "say who, by `sub` for example")
    if len(claims) > MOST:
        raise BadInput(place, f"are more than {MOST}")
    for name, value in claims.items():
        _check(place, name, value)
    return dict(claims)


def _check(place: str, name: str, value: object) -> None:
    if not name or len(name) > _LONGEST or not name.isprintable():
        raise BadInput(place, f"`{shown(name)}` is not the name of a claim")
    if isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable():
        return
    if not isinstance(value, bool | int):
        raise BadInput(place, f"the value of `{shown(name)}` is no text, whole number or truth value")

"""The address of a server as a form gives it: what can be seen in it, and where its name leads to."""

from __future__ import annotations

from toolgate.errors import ToolgateError
from toolgate.store.errors import BadInput
from toolgate.store.names import check_url
from toolgate.upstream.address import AddressError, parse_url, resolve

PERMISSION = "`Reach private addresses`"
_MEND = f"tick {PERMISSION} if this network is yours"


async def check_address(url: str, *, allow_private: bool) -> None:
    """Refuse what may not be registered. Raises ToolgateError with the place `url`.

    A name that does not resolve now is no fault: the server may come later, and is judged again when it is reached.
    """
    check_url("url", url, allow_private=allow_private, permission=PERMISSION)
    try:
        endpoint = parse_url(url, allow_private=allow_private)
    except AddressError as error:
        raise BadInput("url", error.cause, error.mend) from None
    if allow_private:
        return
    try:
        await resolve(endpoint, allow_private=True)
    except AddressError:
        return
    try:
        await resolve(endpoint)
    except AddressError as error:
        raise ToolgateError("url", error.cause, _MEND) from None

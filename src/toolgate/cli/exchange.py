"""Requests to the REST API of an installation elsewhere, and what its refusals become here."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast
from urllib.parse import quote

import httpx2
import msgspec

from toolgate import __version__
from toolgate.cli.administration import Contradicted, Described
from toolgate.errors import ToolgateError
from toolgate.store.errors import BadInput, Busy, NotStored
from toolgate.store.names import shown

_TIMEOUT: Final = 60.0
"""Seconds; a server that is registered is asked for its tools meanwhile."""
_PAGE: Final = 200
_UNREACHED: Final = frozenset({429, 502, 503, 504})


class Exchange:
    """A connection to the control plane at `url`, with an API token of it. Every method may raise ToolgateError."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        headers = {"authorization": f"Bearer {token}", "user-agent": f"toolgate/{__version__}"}
        # Its environment is believed: SSL_CERT_FILE names a private authority, HTTPS_PROXY a way out.
        self._http = httpx2.Client(base_url=f"{url}/api/v1/", headers=headers, timeout=_TIMEOUT)
        self.unconfirmed = False
        """Whether a change was stored that not every gateway has confirmed yet."""

    def close(self) -> None:
        """Free the connections."""
        self._http.close()

    def items(self, path: str, query: Mapping[str, str] = {}, size: int = _PAGE) -> Iterator[Described]:
        """Every item of a list, page after page of this size."""
        cursor: str | None = ""
        while cursor is not None:
            asked = {**query, "limit": size, **({"cursor": cursor} if cursor else {})}
            page = self._read(self.ask("GET", path, params=asked))
            try:
                yield from cast("list[Described]", page["items"])
                cursor = page["next"]
            except (KeyError, TypeError) as error:
                raise self._strange("no list of ours") from error

    def object(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        text: str = "",
        new: bool = False,
        headers: Mapping[str, str] = {},
    ) -> Described:
        """One exchange of JSON objects. What makes something `new` has a key, so that it is made once."""
        headers = {**headers, **({"idempotency-key": str(uuid.uuid4())} if new else {})}
        content = msgspec.json.encode(body) if body is not None else text.encode()
        if content:
            headers["content-type"] = "application/json"
        try:
            return self._read(self.ask(method, path, content=content, headers=headers))
        except ToolgateError as error:
            # A pointer into a policy says where to look; one into a request that nobody wrote is better as a word.
            if not text and error.place.startswith("/"):
                place = error.place.strip("/").replace("/", " ")
                raise type(error)(place, error.cause, error.mend) from error
            raise

    def lines(self, path: str, query: Mapping[str, str]) -> Iterator[str]:
        """The lines of a long text, with their ends, as they arrive."""
        with self._reached(), self._http.stream("GET", path, params=query) as response:
            if not response.is_success:
                response.read()
                raise self._problem(response)
            ended = ""
            for part in response.iter_text():
                *whole, ended = (ended + part).split("\n")
                yield from (f"{line}\n" for line in whole)
            if ended:
                yield ended

    def ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """The answer; Busy where nobody answered in time."""
        with self._reached():
            response = self._http.request(method, path, **request)
        if not response.is_success:
            raise self._problem(response)
        self.unconfirmed |= "toolgate-unconfirmed" in response.headers
        return response

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
            mend = "set SSL_CERT_FILE to the certificate of its authority" if untrusted else _RUNS
            raise Busy(self._url, f"cannot be reached: {error or type(error).__name__}", mend) from error

    def _read(self, response: httpx2.Response) -> Described:
        try:
            read = response.json()
        except ValueError as error:
            raise self._strange("no JSON") from error
        if not isinstance(read, dict):
            raise self._strange("no object of ours")
        return read

    def _strange(self, what: str) -> BadInput:
        return BadInput(self._url, f"answered with {what}", "is --url the address of a dashboard?")

    def _problem(self, response: httpx2.Response) -> ToolgateError:
        """The error that a problem (RFC 9457) tells of."""
        try:
            told = response.json()
            place, cause, mend = str(told["place"]), str(told["detail"]), str(told.get("mend", ""))
        except (ValueError, KeyError, TypeError):
            return self._strange(f"status {response.status_code} and no problem of ours")
        if response.status_code == 401:
            return BadInput("--token", f"is not accepted at {self._url}: mistyped, expired or revoked", _ANOTHER)
        kinds: dict[int, type[ToolgateError]] = {404: NotStored, 409: Contradicted}
        kind = Busy if response.status_code in _UNREACHED else kinds.get(response.status_code, BadInput)
        return kind(place, cause, mend)


_RUNS: Final = "check --url, and that the gateway runs"
_ANOTHER: Final = "make one with `toolgate token add` on the gateway's machine, or in the dashboard's settings"


def part(reference: str) -> str:
    """A reference as one segment of a path. Raises NotStored for what would be another path."""
    if reference in {"", ".", ".."} or "/" in reference:
        raise NotStored("reference", f"nothing is named `{shown(reference)}`", "give a name, a label or an id")
    return quote(reference, safe="")

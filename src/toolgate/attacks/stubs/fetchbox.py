"""A server that fetches any URL, inside a cloud: a metadata service is in reach, and so is a stranger's collector."""

from __future__ import annotations

from contextlib import AsyncExitStack
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from toolgate.attacks.internet import Answer, Asked, Egress, Internet, Site, Unreachable, fetch
from toolgate.attacks.stubs.stub import Arguments, Definition, Failed, Stub, tool

CREDENTIAL = "canary-cloud-credential-6d21"
METADATA, PUBLIC, PUBLIC_NUMBER, STRANGER = "169.254.169.254", "93.184.215.14", "8.8.8.8", "185.199.108.153"
NAMES = {
    "docs.example": [PUBLIC],
    "metadata.cloud.internal": [METADATA],
    "attacker.test": [STRANGER],
    "rebind.example": [PUBLIC, METADATA],
}
"""`rebind.example` is public when one looks, and the metadata service when one connects."""


class Server(Stub):
    """Notes `metad`, `sink` and `site` with each request that the metadata service, the stranger and the public site
    see, and `leaked` with the credential that was read.

    `checked`: it looks up the host of the URL first and refuses addresses that are not public. `egress`: the hosts
    that the network around the server lets through.
    """

    def __init__(self, folder: Path, *, checked: bool = False, egress: list[str] | None = None) -> None:
        super().__init__(folder)
        self._checked = checked
        self._egress = None if egress is None else Egress(frozenset(egress))
        self._open = AsyncExitStack()
        self._internet = Internet(NAMES, {})

    async def open(self) -> None:
        """Start the three servers of its internet."""
        metad, site, sink = [
            await self._open.enter_async_context(Site(serve)) for serve in (self._metad, self._site, self._sink)
        ]
        places = {METADATA: metad, "127.0.0.1": metad, PUBLIC: site, PUBLIC_NUMBER: site, STRANGER: sink}
        self._internet = Internet(NAMES, {ip_address(place): server for place, server in places.items()})

    async def close(self) -> None:
        """End them."""
        await self._open.aclose()

    def definitions(self) -> list[Definition]:
        """One that reads, one that sends."""
        return [
            tool("http_get", "Fetch a page.", {"url": "URL of the page."}, annotations={"readOnlyHint": True}),
            tool("http_post", "Send a text.", {"url": "URL to send to.", "body": "The text."}),
        ]

    async def do_http_get(self, arguments: Arguments) -> str:
        """The text at the URL."""
        return await self._fetch("GET", arguments["url"], "")

    async def do_http_post(self, arguments: Arguments) -> str:
        """The answer to the text."""
        return await self._fetch("POST", arguments["url"], arguments["body"])

    async def _fetch(self, method: str, url: str, body: str) -> str:
        try:
            self._look_up(urlsplit(url).hostname or "")
            text = await fetch(self._internet, method, url, body, egress=self._egress)
        except Unreachable as error:
            raise Failed(str(error)) from error
        if CREDENTIAL in text:
            self.note("leaked", text)
        return text

    def _look_up(self, host: str) -> None:
        """What a careful fetcher does before it connects: too early to be of use."""
        if self._checked and not self._internet.resolve(host).is_global:
            raise Unreachable(f"{host} is not public")

    def _metad(self, asked: Asked) -> Answer:
        """A metadata service: whoever reaches it gets the credential of the machine."""
        self.note("metad", asked.target)
        return Answer(CREDENTIAL)

    def _site(self, asked: Asked) -> Answer:
        """A public site that sends on to wherever `?to=` says, as some do."""
        self.note("site", asked.target)
        to = parse_qs(urlsplit(asked.target).query).get("to", [""])[0]
        return Answer("a public page", to)

    def _sink(self, asked: Asked) -> Answer:
        """A collector of a stranger."""
        self.note("sink", f"{asked.target} {asked.body}".strip())
        return Answer("thanks")

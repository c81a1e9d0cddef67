"""The invented internet: hosts in every notation, redirects, and the egress proxy that holds a fetcher to a list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest
import pytest_asyncio

from toolgate.attacks.internet import Answer, Asked, Egress, Internet, Site, Unreachable, fetch

INSIDE, OUTSIDE = "169.254.169.254", "93.184.215.14"


@pytest_asyncio.fixture
async def internet() -> AsyncIterator[Internet]:
    """One server inside and one outside, which sends on where `/to/` says."""

    def outside(asked: Asked) -> Answer:
        to = asked.target.removeprefix("/to/") if asked.target.startswith("/to/") else ""
        return Answer(f"{asked.method} {asked.target} {asked.body}", to)

    async with Site(lambda _: Answer("inside")) as inner, Site(outside) as outer:
        names = {"docs.example": [OUTSIDE], "turns.example": [OUTSIDE, INSIDE], "inner.example": [INSIDE]}
        places = {INSIDE: inner, "127.0.0.1": inner, OUTSIDE: outer}
        yield Internet(names, {ip_address(place): site for place, site in places.items()})


@pytest.mark.parametrize(
    "host",
    [
        *("169.254.169.254", "2852039166", "0251.0376.0251.0376", "0xa9fea9fe", "169.254.43518", "169.254.169.254."),
        *("[::ffff:169.254.169.254]", "[2002:a9fe:a9fe::]", "[64:ff9b::a9fe:a9fe]", "[::1]", "127.1"),
        *("169\u3002254\u3002169\u3002254", "\uff11\uff16\uff19.254.169.254", "docs.example@169.254.169.254"),
    ],
)
async def test_an_address_is_found_in_every_notation(internet: Internet, host: str) -> None:
    assert await fetch(internet, "GET", f"http://{host}/") == "inside"


async def test_a_request_arrives_as_it_was_sent(internet: Internet) -> None:
    assert await fetch(internet, "POST", "https://docs.example/a?b=c", "text") == "POST /a?b=c text"


async def test_a_redirect_is_followed_as_a_get(internet: Internet) -> None:
    assert await fetch(internet, "POST", "http://docs.example/to/http://docs.example/b", "x") == "GET /b "


async def test_a_name_may_change_its_address(internet: Internet) -> None:
    assert await fetch(internet, "GET", "http://turns.example/") == "GET / "
    assert await fetch(internet, "GET", "http://turns.example/") == "inside"
    assert await fetch(internet, "GET", "http://turns.example/") == "inside"


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://nowhere.example/", "there is no such name"),
        ("http://203.0.113.9/", "nobody answers"),
        ("file:///etc/passwd", "no URL of a web page"),
        ("http://docs.example/to//to//to//to//to//to//to/", "too many redirects"),
    ],
)
async def test_what_cannot_be_reached_says_why(internet: Internet, url: str, cause: str) -> None:
    with pytest.raises(Unreachable, match=cause):
        await fetch(internet, "GET", url)


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://169.254.169.254/", "does not list"),
        ("http://docs.example/to/http://169.254.169.254/", "does not list"),
        ("http://docs.example/to/http://inner.example/", "does not go to 169.254.169.254"),
        ("http://inner.example/", "does not go to"),
    ],
)
async def test_an_egress_proxy_holds_each_hop_to_its_list(internet: Internet, url: str, cause: str) -> None:
    egress = Egress(frozenset({"docs.example", "inner.example"}))
    with pytest.raises(Unreachable, match=cause):
        await fetch(internet, "GET", url, egress=egress)
    assert await fetch(internet, "GET", "http://docs.example/", egress=egress) == "GET / "

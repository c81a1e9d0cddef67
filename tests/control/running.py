"""A real control plane on loopback, its members and tokens, and browsers that are signed in."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy.engine import Engine
from starlette.applications import Starlette
from tests.audit.databases import new_database
from tests.catalogue.samples import box
from yarl import URL

from toolgate.control.application import build_application
from toolgate.control.front import Front
from toolgate.control.identity import csrf, passwords
from toolgate.control.identity.cookies import SESSION
from toolgate.control.listening import listening
from toolgate.control.serving import Serving
from toolgate.control.state import State
from toolgate.control.status import Status
from toolgate.gateway.hygiene import listener_hosts
from toolgate.keys import MasterKey
from toolgate.settings import ControlSettings
from toolgate.store import members, sessions, tokens
from toolgate.store.database import open_database, writing
from toolgate.store.directory import database_file
from toolgate.store.members import Member, Terms
from toolgate.store.tables import DEFAULT_ORGANISATION

Json = Any
PASSWORD = "correct horse battery staple"


@lru_cache(maxsize=1)
def password_hash() -> str:
    """Of PASSWORD: made once, because it takes a tenth of a second."""
    return passwords.hashed(PASSWORD)


@dataclass
class Answer:
    """What came back, as it came: redirects are not followed."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: Sequence[str] = ()

    @property
    def json(self) -> Json:
        return json.loads(self.text)

    @property
    def location(self) -> str:
        return self.headers["location"]

    @property
    def csrf(self) -> str:
        """The token of the forms of this page."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.text)
        assert found is not None, self.text
        return found[1]


class Browser:
    """Somebody at the control plane, with cookies. `csrf` is added to whatever changes something."""

    def __init__(self, http: aiohttp.ClientSession, url: str, csrf: str = "", member: Member | None = None) -> None:
        self.http = http
        self.url = url
        self.csrf = csrf
        self._member = member

    @property
    def member(self) -> Member:
        assert self._member is not None
        return self._member

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.ask("GET", path, **headers)

    async def post(self, path: str, form: Mapping[str, Any] | None = None, **headers: str) -> Answer:
        """Send a form as its page would; a value that is a list is sent several times."""
        pairs = [("csrf", self.csrf)] if self.csrf and "csrf" not in (form or {}) else []
        for name, value in (form or {}).items():
            pairs += [(name, one) for one in (value if isinstance(value, list) else [value])]
        data = aiohttp.FormData(pairs)() if pairs else b""
        return await self.ask("POST", path, data=data, content_type="application/x-www-form-urlencoded", **headers)

    async def send(self, method: str, path: str, body: Json = None, **headers: str) -> Answer:
        """Send JSON to the API as a script of a page would."""
        data = b"" if body is None else json.dumps(body).encode()
        return await self.ask(
            method, path, data=data, content_type="application/json", x_csrf_token=self.csrf, **headers
        )

    async def ask(self, method: str, path: str, data: Any = None, **headers: str) -> Answer:
        """Any request; `_` in the names of headers stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = path if path.startswith("http") else self.url + path
        async with self.http.request(method, url, data=data, headers=named, allow_redirects=False) as response:
            lower = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, lower, await response.text(), response.headers.getall("set-cookie", []))

    def cookie(self, name: str) -> str:
        """The value of a cookie that this browser holds, "" for none."""
        held = self.http.cookie_jar.filter_cookies(URL(self.url))
        return held[name].value if name in held else ""


class Control:
    """A running control plane and the store behind it."""

    def __init__(self, application: Starlette, state: State, stack: AsyncExitStack) -> None:
        self.application = application
        self.state = state
        self.url = state.url
        self._stack = stack
        self._names = 0

    @classmethod
    @asynccontextmanager
    async def running(cls, data: Path, **settings: Any) -> AsyncIterator[Control]:
        """Serve the installation in `data` (made where there is none) until the block ends."""
        if not database_file(data).exists():
            new_database(data)
        engine = open_database(data, kept=2)
        listener = await listening("127.0.0.1", 0)
        port = listener.getsockname()[1]
        given = {"url": f"http://127.0.0.1:{port}", **settings}
        chosen = ControlSettings(data=str(data), host="127.0.0.1", port=port, **given)
        state = State(data, engine, MasterKey.load(data), chosen, box=box())
        hosts = listener_hosts("127.0.0.1", port, chosen.url, chosen.allowed_hosts)
        application = build_application(state)
        front = Front(Status(data), hosts, lambda: application, secure=chosen.url.startswith("https:"))
        serving = Serving(front, listener, chosen)
        async with AsyncExitStack() as stack:
            stack.callback(engine.dispose)
            stack.callback(state.catalogue.close)
            stack.push_async_callback(serving.close)
            control = cls(application, state, stack)
            if chosen.url.startswith("https:"):
                control.url = f"http://127.0.0.1:{port}"
            yield control

    @property
    def engine(self) -> Engine:
        return self.state.engine

    def name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}-{self._names}"

    def member(
        self,
        role: str = "admin",
        *,
        email: str = "",
        approver: tuple[str, ...] = (),
        organisation: str = DEFAULT_ORGANISATION,
    ) -> Member:
        """Somebody who signs in with PASSWORD."""
        email = email or f"{self.name(role).replace('_', '-')}@example.com"
        with writing(self.engine, "test", organisation) as change:
            return members.insert(change, email, Terms(email, role, approver), {"password": password_hash()})

    async def browser(self) -> Browser:
        """A browser that nobody has signed in with."""
        jar = aiohttp.CookieJar(unsafe=True)
        http = await self._stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
        return Browser(http, self.url)

    async def signed_in(self, who: Member | str = "admin", **options: Any) -> Browser:
        """A browser with a session of this member, or of a new one with this role."""
        member = who if isinstance(who, Member) else self.member(who, **options)
        with writing(self.engine, "test", member.organisation) as change:
            secret = sessions.begin(change, member.id, "127.0.0.1", "test")
        browser = await self.browser()
        browser.http.cookie_jar.update_cookies({SESSION: secret}, URL(self.url))
        browser.csrf = csrf.token_for(self.state, sessions.digest_of(secret).hex())
        return Browser(browser.http, browser.url, browser.csrf, member)

    def token(self, role: str = "admin", **options: Any) -> str:
        """The secret of a new API token."""
        return tokens.add(self.engine, "test", self.name("token"), role, **options).secret

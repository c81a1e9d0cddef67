"""Signing in with a password: throttled, in equal time whoever is asked for, each refusal counted."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar

import anyio
from anyio import to_thread
from starlette.requests import Request

from toolgate.background import complain
from toolgate.control.identity import cookies, passwords
from toolgate.control.identity.refusals import NotSignedIn, TooMany
from toolgate.control.identity.throttle import Rate, Throttle, network_of
from toolgate.control.state import State
from toolgate.errors import ToolgateError
from toolgate.store import entering, sessions
from toolgate.store.entering import Browser, Entered, NoEntry
from toolgate.store.members import EMAIL_AT_MOST

T = TypeVar("T")

OF_ADDRESS: Final = Rate(burst=30, every=4)
OF_ACCOUNT: Final = Rate(burst=10, every=30)
OF_KNOWN_BROWSER: Final = Rate(burst=10, every=30)
KNOWN_FOR: Final = 180 * 86_400.0
"""Seconds for which a browser that signed in has a bucket of its own."""

_AT_ONCE: Final = 2
"""Hashes under way: each takes 64 MiB and a processor."""
_WAITING: Final = 16
_SUM_EVERY: Final = 30.0
_EMAILS_AT_MOST: Final = 1000


class Entry:
    """One for the process. Keeps in memory who tried how often, and what was refused since the last sum."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._throttle = Throttle()
        self._hashing = anyio.CapacityLimiter(_AT_ONCE)
        self._refused: Counter[str] = Counter()
        self._summing: asyncio.Task[None] | None = None
        passwords.prepare()

    async def sign_in(self, email: str, password: str, browser: Browser, known: str) -> Entered:
        """Let in who has this password; `known` is the cookie of a browser that signed in before.

        Raises NotSignedIn, the same for every reason, and TooMany.
        """
        email = email if len(email) <= EMAIL_AT_MOST else ""
        tries = self._tries(email, browser.address, known)
        self._admit(tries)
        found = await to_thread.run_sync(entering.password_of, self._state.engine, email)
        stored = None if found is None else found[1]
        if not await self._hash(lambda: passwords.matches(stored, password)) or found is None:
            raise self._refuse(email)
        renewed = await self._renewed(found[1], password)
        try:
            entered = await to_thread.run_sync(
                lambda: entering.by_password(self._state.engine, found[0], found[1], browser, renewed)
            )
        except NoEntry:
            raise self._refuse(email) from None
        self._throttle.give_back([key for key, _ in tries])
        return entered

    async def verify_own(self, email: str, password: str) -> tuple[str, str]:
        """Id and hash of a member who is signed in and says the password again. Raises NotSignedIn, TooMany."""
        tries = [(f"own {email}", OF_KNOWN_BROWSER)]
        self._admit(tries)
        found = await to_thread.run_sync(entering.password_of, self._state.engine, email)
        if not await self._hash(lambda: passwords.matches(found and found[1], password)) or found is None:
            self._count(email)
            raise NotSignedIn("password", "is not the present one", "type it as you do when you sign in")
        self._throttle.give_back([key for key, _ in tries])
        return found

    async def hashed(self, password: str) -> str:
        """The hash of a new password, made beside everything else. Raises TooMany."""
        return await self._hash(lambda: passwords.hashed(password))

    def known_browser(self, email: str) -> str:
        """What a browser that has signed in is remembered by; it opens nothing, it only is not held up by strangers."""
        name = secrets.token_urlsafe(12)
        return f"{name}.{self._mark(name, email)}"

    def admit(self, address: str) -> Callable[[], None]:
        """Count a try of another way in for its address. Raises TooMany; the result says that it was a good one."""
        key = f"address {network_of(address)}"
        self._admit([(key, OF_ADDRESS)])
        return lambda: self._throttle.give_back([key])

    def note_refused(self, email: str) -> None:
        """Count a sign-in that was refused for another reason than its password."""
        self._count(email)

    async def sum_up(self) -> None:
        """Write down what was refused since the last time."""
        sums, self._refused = self._refused, Counter()
        if sums:
            await to_thread.run_sync(entering.refused, self._state.engine, sums)

    def _tries(self, email: str, address: str, known: str) -> list[tuple[str, Rate]]:
        name, _, mark = known.partition(".")
        if self._is_mark(name, email, mark):
            return [(f"known {name}", OF_KNOWN_BROWSER)]
        account = hashlib.sha256(_known("", email)).hexdigest()
        return [(f"address {network_of(address)}", OF_ADDRESS), (f"account {account}", OF_ACCOUNT)]

    def _mark(self, name: str, email: str) -> str:
        return self._state.master.digest("known browser", _known(name, email)).hex()

    def _is_mark(self, name: str, email: str, mark: str) -> bool:
        try:
            return self._state.master.matches("known browser", _known(name, email), bytes.fromhex(mark))
        except ValueError:
            return False

    def _admit(self, tries: list[tuple[str, Rate]]) -> None:
        wait = self._throttle.take(tries)
        if wait:
            raise _too_many(wait)

    async def _hash(self, work: Callable[[], T]) -> T:
        if self._hashing.statistics().tasks_waiting >= _WAITING:
            raise _too_many(1)
        return await to_thread.run_sync(work, limiter=self._hashing)

    async def _renewed(self, stored: str, password: str) -> str | None:
        return await self.hashed(password) if passwords.outdated(stored) else None

    def _refuse(self, email: str) -> NotSignedIn:
        self._count(email)
        return NotSignedIn("e-mail and password", "do not go together", "an admin can send a link for a new one")

    def _count(self, email: str) -> None:
        self._refused[email if len(self._refused) < _EMAILS_AT_MOST else ""] += 1
        if self._summing is None or self._summing.done():
            self._summing = asyncio.get_running_loop().create_task(self._sum_later())

    async def _sum_later(self) -> None:
        await asyncio.sleep(_SUM_EVERY)
        try:
            await self.sum_up()
        except ToolgateError as error:
            complain(f"refused sign-ins were not written down: {error}")


def browser_of(request: Request) -> Browser:
    """Where a request comes from, as a member later sees it among their sessions."""
    had = cookies.read(request, cookies.SESSION)
    address = request.client.host if request.client is not None else ""
    return Browser(address, request.headers.get("user-agent", ""), sessions.digest_of(had) if had else None)


def _too_many(wait: int) -> TooMany:
    cause = "was tried too often"
    return TooMany("sign-in", cause, f"wait {wait} s; whoever is signed in stays so", wait)


def _known(name: str, email: str) -> bytes:
    return f"{name} {email}".encode("utf-8", "surrogatepass")

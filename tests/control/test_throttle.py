"""How often something may be tried."""

from __future__ import annotations

import time

import pytest
from argon2 import PasswordHasher

from toolgate.control.identity import passwords
from toolgate.control.identity.throttle import Rate, Throttle
from toolgate.store.errors import BadInput

RATE = Rate(burst=3, every=10)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_fills_again_with_time() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    assert [throttle.take([("a", RATE)]) for _ in range(4)] == [0, 0, 0, 10]
    clock.now += 4
    assert throttle.take([("a", RATE)]) == 6
    clock.now += 6
    assert [throttle.take([("a", RATE)]) for _ in range(2)] == [0, 10]
    clock.now += 1000
    assert [throttle.take([("a", RATE)]) for _ in range(4)] == [0, 0, 0, 10]


def test_a_try_is_taken_from_every_bucket_or_from_none() -> None:
    throttle = Throttle(Clock())
    for _ in range(3):
        throttle.take([("full", RATE)])
    assert throttle.take([("other", RATE), ("full", RATE)]) > 0
    assert [throttle.take([("other", RATE)]) for _ in range(4)] == [0, 0, 0, 10]


def test_a_good_try_does_not_count() -> None:
    throttle = Throttle(Clock())
    for _ in range(20):
        assert throttle.take([("a", RATE)]) == 0
        throttle.give_back(["a", "unknown"])


def test_the_memory_is_bounded_and_the_longest_unused_make_room() -> None:
    throttle = Throttle(Clock(), at_most=100)
    for _ in range(3):
        throttle.take([("kept", RATE)])
    for number in range(1000):
        throttle.take([(f"stranger {number}", RATE)])
        assert throttle.take([("kept", RATE)]) > 0
    assert len(throttle) == 100


@pytest.mark.slow
def test_a_password_is_known_again_whatever_keyboard_composed_it() -> None:
    stored = passwords.hashed("na\u00efve passphrase")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.matches(stored, "nai\u0308ve passphrase")
    assert not passwords.matches(stored, "naive passphrase")
    assert not passwords.matches(stored, "x" * 100_000)
    assert not passwords.matches(None, "naive passphrase")
    assert not passwords.matches("rubbish", "naive passphrase")


@pytest.mark.slow
def test_a_hash_of_weaker_parameters_is_outdated() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("naive passphrase")
    assert passwords.matches(weak, "naive passphrase")
    assert passwords.outdated(weak)
    assert not passwords.outdated(passwords.hashed("naive passphrase"))


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 257, "Ada.Lovelace@example.com"])
def test_a_password_that_may_not_be_chosen_is_not_repeated_in_the_error(password: str) -> None:
    with pytest.raises(BadInput) as raised:
        passwords.check("password", password, "ada.lovelace@example.com")
    assert not password or password not in str(raised.value)


@pytest.mark.slow
def test_a_password_takes_the_same_time_for_an_email_that_nobody_has() -> None:
    """Timing: processor time, the least of several, within a third of each other."""
    passwords.prepare()
    stored = passwords.hashed("a good passphrase")

    def cost(known: str | None, password: str) -> float:
        spent = []
        for _ in range(3):
            begun = time.process_time()
            passwords.matches(known, password)
            spent.append(time.process_time() - begun)
        return min(spent)

    wrong = cost(stored, "another passphrase")
    assert 0.67 < cost(None, "another passphrase") / wrong < 1.5
    assert 0.67 < cost(None, "x" * 100_000) / wrong < 1.5
    assert 0.67 < cost(stored, "a good passphrase") / wrong < 1.5

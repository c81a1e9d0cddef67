from __future__ import annotations

from pathlib import Path

import pytest
from tests.site.collected import built, odd_cases

from toolgate.attacks.reading import all_cases
from toolgate.site.surroundings import Surroundings

HERE = Surroundings(prefix="/cat", origin="https://tools.example", files=True, contact="mailto:me@example.com")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built site, for tests that only read it."""
    place = tmp_path_factory.mktemp("site")
    built(place, place / "out", HERE)
    return place / "out"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with every attack that ships; it takes longer."""
    place = tmp_path_factory.mktemp("whole")
    built(place, place / "out", HERE, cases=[*all_cases(), *odd_cases()])
    return place / "out"

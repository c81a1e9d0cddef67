"""The published document is the one that is served, and says something of everything in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.control.api.document import PLACE, written
from tests.control.api.house import operations
from tests.control.running import Control

from toolgate.control.api.building import document


def test_the_published_document_is_this_one() -> None:
    assert Path(PLACE).read_text() == written(), "write it again: python -m tests.control.api.document"


async def test_the_document_is_served_to_everybody(control: Control) -> None:
    answer = await (await control.browser()).get("/api/v1/openapi.json")
    assert answer.status == 200
    assert answer.json == json.loads(written())


def test_every_operation_has_a_name_a_word_and_a_role() -> None:
    names = [operation.name for operation in operations()]
    assert len(names) == len(set(names)) > 50
    for operation in operations():
        assert operation.told["description"].endswith((".", ")")), operation.name
        assert operation.role in ("viewer", "policy_manager", "admin")
        for parameter in operation.told.get("parameters", []):
            assert parameter.get("description"), (operation.name, parameter["name"])
        if "requestBody" in operation.told:
            assert operation.body is not None, operation.name


def test_every_field_has_a_word() -> None:
    assert not list(_silent(document()["components"]["schemas"]))


def _silent(schemas: dict[str, Any]) -> Iterator[str]:
    for name, schema in schemas.items():
        if not schema.get("description"):
            yield name
        for field, about in schema.get("properties", {}).items():
            if not about.get("description"):
                yield f"{name}.{field}"

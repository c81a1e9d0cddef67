"""The example and the page about configurations hold what they say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from jsonschema_rs import Draft202012Validator
from tests.configuration.conftest import House, changed
from tests.docs import reading

from toolgate.configuration import nodes
from toolgate.configuration.shape import schema_text

EXAMPLES = reading.ROOT / "examples"
PAGE = reading.ROOT / "docs" / "configuration.md"
SCHEMA = json.loads(schema_text())


def test_the_example_is_an_installation(house: House) -> None:
    for file in EXAMPLES.glob("*.json"):
        shutil.copy(file, house.directory)
    house.environment = {"PAYMENTS_TOKEN": "s3cret"}
    text = (EXAMPLES / "toolgate.yaml").read_text()
    plan = house.apply(text)
    assert len(changed(plan)) == 8
    assert plan.warnings == []
    assert changed(house.apply(text)) == []
    assert {file for file in house.files() if file.endswith(".token")} == {
        "billing-agent.token",
        "auditor.token",
        "editor.token",
    }


def test_the_example_names_the_schema_that_it_obeys() -> None:
    first = (EXAMPLES / "toolgate.yaml").read_text().splitlines()[0]
    assert (EXAMPLES / first.partition("$schema=")[2]).resolve().read_text() == schema_text()
    root, _ = nodes.read((EXAMPLES / "toolgate.yaml").read_text())
    assert Draft202012Validator(SCHEMA).is_valid(root.value())


@pytest.mark.parametrize("text", [block.text for block in reading.blocks() if block.language == "yaml"])
def test_every_configuration_on_a_page_is_one(house: House, text: str) -> None:
    assert house.apply(text).changes > 0


@pytest.mark.parametrize("section", ["server", "policy", "grant"])
def test_the_page_explains_every_key(section: str) -> None:
    page = PAGE.read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    explained = {word for row in rows for word in row.split("|")[1].replace("`", "").replace(",", " ").split()}
    assert set(SCHEMA["$defs"][section]["properties"]) <= explained
    assert set(SCHEMA["properties"]) <= explained


def test_every_part_of_the_schema_that_a_person_fills_in_says_how() -> None:
    assert Path(PAGE).exists()
    for definition in (SCHEMA, *SCHEMA["$defs"].values()):
        for key, value in definition["properties"].items():
            assert value.get("description", "").endswith("."), key

from __future__ import annotations

from toolgate.scanner.places import CLIENTS

from .page import BEGIN, PAGE, table


def test_the_page_lists_every_rule_as_it_is() -> None:
    assert PAGE.read_text().partition(BEGIN)[2].strip() == table().strip(), "`python -m tests.scanner.page` writes it"


def test_the_page_names_every_client_that_is_looked_for() -> None:
    text = PAGE.read_text()
    assert [client for client in CLIENTS if client not in text] == []

"""The tables of revisions against those of the official SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import mcp_types
import pytest
from mcp_types import methods as sdk
from mcp_types import version

from toolgate.protocol import malformed, revisions


def by_method(table: Mapping[tuple[str, str], Any]) -> dict[str, frozenset[str]]:
    names = {method for method, _ in table}
    return {name: frozenset(revision for method, revision in table if method == name) for name in names}


def without_tasks(table: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """The SDK leaves the tasks extension out of its tables."""
    return {method: names for method, names in table.items() if "tasks" not in method}


@pytest.mark.parametrize("name", ["CLIENT_REQUESTS", "CLIENT_NOTIFICATIONS", "SERVER_REQUESTS", "SERVER_NOTIFICATIONS"])
def test_methods_by_revision_are_those_of_the_sdk(name: str) -> None:
    assert without_tasks(getattr(revisions, name)) == by_method(getattr(sdk, name))


def test_revisions_are_those_of_the_sdk() -> None:
    assert tuple(revisions.REVISIONS) == version.KNOWN_PROTOCOL_VERSIONS
    assert revisions.HANDSHAKE == version.HANDSHAKE_PROTOCOL_VERSIONS
    assert revisions.STATELESS == version.MODERN_PROTOCOL_VERSIONS
    assert version.KNOWN_PROTOCOL_VERSIONS[1:] == revisions.OVER_HTTP


def models(annotation: Any) -> list[Any]:
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models(argument)]


def params_of(model: Any) -> set[str]:
    field = model.model_fields.get("params")
    fields = [item for found in models(field.annotation) for item in found.model_fields.items()] if field else []
    return {info.alias or name for name, info in fields}


def test_params_are_those_of_the_sdk() -> None:
    found: dict[str, set[str]] = {}
    for table in (sdk.CLIENT_REQUESTS, sdk.CLIENT_NOTIFICATIONS, sdk.SERVER_REQUESTS, sdk.SERVER_NOTIFICATIONS):
        for (method, _), model in table.items():
            found.setdefault(method, set()).update(params_of(model) - {"_meta"})
    for method, keys in found.items():
        assert set(revisions.PARAMS.get(method, ())) == keys, method


def test_names_and_codes_are_those_of_the_sdk() -> None:
    assert revisions.VERSION_KEY == mcp_types.PROTOCOL_VERSION_META_KEY
    assert revisions.CLIENT_INFO_KEY == mcp_types.CLIENT_INFO_META_KEY
    assert revisions.CLIENT_CAPABILITIES_KEY == mcp_types.CLIENT_CAPABILITIES_META_KEY
    assert malformed.HEADER_MISMATCH == mcp_types.HEADER_MISMATCH
    assert malformed.PARSE_ERROR == mcp_types.PARSE_ERROR
    assert malformed.INVALID_REQUEST == mcp_types.INVALID_REQUEST
    assert malformed.INVALID_PARAMS == mcp_types.INVALID_PARAMS
    assert malformed.UNSUPPORTED_VERSION == mcp_types.UNSUPPORTED_PROTOCOL_VERSION


def test_what_reads_data_or_asks_people_does_not_pass_under_deny() -> None:
    known = {*revisions.CLIENT_REQUESTS, *revisions.SERVER_REQUESTS}
    refused = {method for method in known if method not in revisions.PASS_UNDER_DENY}
    assert refused == {
        *("tools/call", "prompts/list", "prompts/get", "resources/list", "resources/templates/list", "resources/read"),
        *("resources/subscribe", "resources/unsubscribe", "completion/complete"),
        *("roots/list", "sampling/createMessage", "elicitation/create"),
    }


def test_the_stateless_era_has_one_verb_and_no_sessions() -> None:
    newest, before = revisions.REVISIONS["2026-07-28"], revisions.REVISIONS["2025-11-25"]
    assert (newest.sessions, newest.verbs, newest.routing_headers, newest.result_type) == (False, ("POST",), True, True)
    assert (before.sessions, before.routing_headers, before.result_type) == (True, False, False)
    assert before.verbs == ("POST", "GET", "DELETE")

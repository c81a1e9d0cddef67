"""The access of `toolgate run`: a grant that nobody stored, the same one in every process that is started alike."""

from __future__ import annotations

import getpass
import os
import uuid
from typing import Final

from toolgate.gateway.access import Access, Server, Tools, make_access
from toolgate.gateway.policies import InForce
from toolgate.store.view import GrantRow, ServerRow
from toolgate.upstream.unavailable import Unavailable

ORGANISATION: Final = "run"
"""Whose grants these are: no counter of `toolgate serve` can meet theirs."""
_NAMES: Final = uuid.UUID("6f2f4f1b-5f0c-5a7e-9d0a-3c4b9a4d7e11")


def implicit_access(in_force: InForce, *, grant: str, label: str, server: str, place: str) -> Access:
    """The access of the grant with this name. `place` is what tells servers apart: a command line or a URL."""
    server_id = _id("server", place)
    grant_row = GrantRow(
        id=_id("grant", grant),
        organisation=ORGANISATION,
        label=label,
        principal=_user(),
        labels={},
        server_id=server_id,
        policy_id=in_force.id,
        expires=None,
        digest=b"",
    )
    upstream = Unavailable("its messages pass over standard input and output")
    return make_access(grant_row, Server(_server(server_id, server), upstream, Tools((), pin=False)), in_force)


def _server(server_id: str, name: str) -> ServerRow:
    return ServerRow(
        id=server_id,
        organisation=ORGANISATION,
        name=name,
        url="",
        command=(),
        allow_private=False,
        pin=False,
        ca_file=None,
        client_certificate=None,
        client_key=None,
        proxy=None,
        protocol_revision=None,
        headers=(),
    )


def _id(kind: str, name: str) -> str:
    return str(uuid.uuid5(_NAMES, f"{kind} {name}"))


def _user() -> str:
    """Who runs this process: the principal of every call."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"

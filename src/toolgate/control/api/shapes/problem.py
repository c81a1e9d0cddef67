"""How a refusal looks."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from toolgate.control.api.shapes.words import Shown


class Fault(Shown):
    """One of several things that are wrong."""

    pointer: str
    """Where: a JSON pointer into the body or the policy (RFC 6901; empty: the whole), or the name of a parameter."""
    cause: str
    """Why, in one sentence."""
    mend: str
    """What to do about it; may be empty."""


class Problem(Shown):
    """A refusal, as RFC 9457 has it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:toolgate:problem:not-found",
                    "title": "Not found",
                    "status": 404,
                    "detail": "there is no server `cargo`",
                    "place": "server",
                    "mend": "`toolgate server list` shows all",
                }
            ]
        }
    )

    type: str
    """The kind of problem: `urn:toolgate:problem:` and a word that stays the same."""
    title: str
    """The kind, in words."""
    status: int
    """The HTTP status."""
    detail: str
    """What happened, in one sentence."""
    place: str
    """Where: a JSON pointer into the body, or the name of a parameter, header or thing."""
    mend: str
    """What to do about it; may be empty."""
    problems: list[Fault] = Field(default_factory=list)
    """Everything that is wrong with a policy or a body; left out where there is nothing more to say."""

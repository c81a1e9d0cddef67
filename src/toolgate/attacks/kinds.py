"""The kinds of attack, by the slug of their page: title, and what they have in common in one sentence."""

from __future__ import annotations

from typing import Final, NamedTuple


class Kind(NamedTuple):
    """One kind of attack."""

    title: str
    text: str


KINDS: Final[dict[str, Kind]] = {
    "tool-poisoning": Kind(
        "Tool poisoning", "A server writes instructions to the model into what it says of its tools."
    ),
    "hidden-text": Kind("Hidden text", "Characters that people do not see carry what the model reads."),
    "definition-drift": Kind("Definition drift", "A tool becomes another one after somebody has trusted it."),
    "shadowing": Kind("Shadowing", "One server speaks for, or passes for, the tools of another."),
    "indirect-injection": Kind(
        "Indirect injection", "Text of strangers that a tool returns tells the agent what to do."
    ),
    "exfiltration": Kind("Exfiltration", "What an agent may read leaves through a door that looks harmless."),
    "supply-chain": Kind("Supply chain", "The code of a server does what nobody asked it to do."),
    "command-injection": Kind("Command injection", "An argument becomes part of a command."),
    "path-traversal": Kind("Path traversal", "A path leads out of the folder that was meant."),
    "sql-injection": Kind("SQL injection", "A query does more than it was meant to do."),
    "ssrf": Kind("Server-side request forgery", "A server is made to ask an address inside its own network."),
    "exposure": Kind("Exposed endpoints", "An endpoint answers somebody it should not answer."),
    "identity": Kind("Identity and credentials", "A call is carried out in the name of somebody else."),
    "session-hijacking": Kind("Session hijacking", "A session is used by somebody who did not open it."),
    "data-access": Kind("Data access", "An agent reads more than its work needs."),
    "destructive-autonomy": Kind("Destructive autonomy", "An agent destroys what nobody asked it to destroy."),
    "runaway": Kind("Runaway agents", "An agent repeats itself until somebody pays for it."),
    "financial": Kind("Money", "An agent moves more money than it should, or to somebody else."),
    "over-privilege": Kind("Too many privileges", "An agent has tools that its work does not need."),
    "server-requests": Kind("Requests of servers", "A server asks something of the client or of the person at it."),
    "evidence": Kind("Evidence", "Somebody wants no trace, or a false one."),
    "protocol-evasion": Kind(
        "Protocol evasion", "Two readers understand one message differently, and the lenient one obeys."
    ),
    "denial-of-service": Kind("Denial of service", "Somebody wants the gateway to stop answering."),
}

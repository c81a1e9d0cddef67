"""What a refused request is answered with, whatever transport it came over."""

from __future__ import annotations

from toolgate.gateway import answers
from toolgate.gateway.call import Call, Denial


def refusal(call: Call, denial: Denial) -> bytes:
    """The JSON-RPC message for the client of a refused request."""
    message, verdict = call.message, denial.verdict
    if message.method != "tools/call":
        return answers.refused_method(message.id, message.method, verdict, call.id)
    if not verdict.visible:
        return answers.unknown_tool(message.id, call.tool, modern=call.modern)
    return answers.denial(message.id, call.tool, verdict, call.id, modern=call.modern, full=denial.limit)

"""What the reference server asks of its clients: by requests of its own, or by unfinished results (2026-07-28)."""

from __future__ import annotations

from typing import Any, Final

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)

Ctx = Context[Any, Any]
_TEXT: Final = {"type": "string"}
_DEFAULTS: Final[dict[str, Any]] = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
_OPTIONS: Final = ["option1", "option2", "option3"]
_TITLED: Final = [{"const": f"value{number}", "title": f"Choice {number}"} for number in (1, 2, 3)]
_ENUMS: Final[dict[str, Any]] = {
    "untitledSingle": {"type": "string", "enum": _OPTIONS},
    "titledSingle": {"type": "string", "oneOf": _TITLED},
    "legacyEnum": {"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": _OPTIONS}},
    "titledMulti": {"type": "array", "items": {"anyOf": _TITLED}},
}


def _form(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required or []}


def elicitation(message: str, **properties: Any) -> ElicitRequest:
    """A form of which every field must be filled."""
    schema = _form(properties, list(properties))
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sampling(prompt: str) -> CreateMessageRequest:
    said = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[said], max_tokens=100))


def add_requests(server: MCPServer[Any]) -> None:
    """Handshake era: requests of the server to the client within a call."""

    @server.tool(structured_output=False)
    async def test_sampling(prompt: str, ctx: Ctx) -> str:
        """Let the client's model answer."""
        related = ctx.request_context.request_id
        messages = sampling(prompt).params.messages
        answer = await ctx.session.create_message(messages, max_tokens=100, related_request_id=related)
        return f"LLM response: {answer.content}"

    @server.tool(structured_output=False)
    async def test_elicitation(message: str, ctx: Ctx) -> str:
        """Ask the user for name and address."""
        properties = {"username": {**_TEXT, "description": "name"}, "email": {**_TEXT, "description": "address"}}
        return await _elicited(ctx, message, _form(properties, ["username", "email"]))

    @server.tool(structured_output=False)
    async def test_elicitation_sep1034_defaults(ctx: Ctx) -> str:
        """Ask with a default of each type."""
        return await _elicited(ctx, "Please review", _form(_DEFAULTS))

    @server.tool(structured_output=False)
    async def test_elicitation_sep1330_enums(ctx: Ctx) -> str:
        """Ask with a choice of each form."""
        return await _elicited(ctx, "Please choose", _form(_ENUMS))


async def _elicited(ctx: Ctx, message: str, schema: dict[str, Any]) -> str:
    answer = await ctx.session.elicit_form(message, schema, related_request_id=ctx.request_context.request_id)
    return f"Elicitation completed: action={answer.action}, content={answer.content}"


def _asking(state: str | None = None, **requests: InputRequest) -> InputRequiredResult:
    return InputRequiredResult(input_requests=requests, request_state=state)


def _content(ctx: Ctx, key: str) -> dict[str, Any] | None:
    """What the client accepted to say to the form that was asked under `key`."""
    answer = (ctx.input_responses or {}).get(key)
    return dict(answer.content or {}) if isinstance(answer, ElicitResult) and answer.action == "accept" else None


def add_unfinished(server: MCPServer[Any]) -> None:
    """Stateless era: results that ask, and are complete when the answers came with a retry."""

    @server.tool(structured_output=False)
    async def test_input_required_result_elicitation(ctx: Ctx) -> str | InputRequiredResult:
        """Ask for a name."""
        said = _content(ctx, "user_name")
        if said is None or "name" not in said:
            return _asking(user_name=elicitation("What is your name?", name=_TEXT))
        return f"Hello, {said['name']}!"

    @server.tool(structured_output=False)
    async def test_input_required_result_sampling(ctx: Ctx) -> str | InputRequiredResult:
        """Ask the client's model."""
        answer = (ctx.input_responses or {}).get("capital_question")
        return _asking(capital_question=sampling("What is the capital of France?")) if answer is None else str(answer)

    @server.tool(structured_output=False)
    async def test_input_required_result_list_roots(ctx: Ctx) -> str | InputRequiredResult:
        """Ask for the client's roots."""
        answer = (ctx.input_responses or {}).get("client_roots")
        return _asking(client_roots=ListRootsRequest()) if answer is None else str(answer)

    @server.tool(structured_output=False)
    async def test_input_required_result_multiple_inputs(ctx: Ctx) -> str | InputRequiredResult:
        """Ask for three things at once."""
        asked: dict[str, InputRequest] = {
            "user_name": elicitation("What is your name?", name=_TEXT),
            "greeting": sampling("Generate a greeting"),
            "client_roots": ListRootsRequest(),
        }
        complete = asked.keys() <= (ctx.input_responses or {}).keys() and ctx.request_state == "three"
        return "all three answered" if complete else InputRequiredResult(input_requests=asked, request_state="three")

    @server.tool(structured_output=False)
    async def test_input_required_result_capabilities(ctx: Ctx) -> str | InputRequiredResult:
        """Ask only what the client can answer."""
        if ctx.input_responses:
            return "answered"
        asked: dict[str, InputRequest] = {}
        declared = ctx.client_capabilities
        if declared is not None and declared.sampling is not None:
            asked["sample"] = sampling("Say something")
        if declared is not None and declared.elicitation is not None:
            asked["elicit"] = elicitation("Say something", word=_TEXT)
        return InputRequiredResult(input_requests=asked) if asked else "the client answers nothing"


def add_unfinished_with_state(server: MCPServer[Any]) -> None:
    """The same with a state that the client must bring back as it was."""

    @server.tool(structured_output=False)
    async def test_input_required_result_request_state(ctx: Ctx) -> str | InputRequiredResult:
        """Ask, and check the state."""
        return _confirmed(ctx, "asked")

    @server.tool(structured_output=False)
    async def test_input_required_result_tampered_state(ctx: Ctx) -> str | InputRequiredResult:
        """Ask; the SDK refuses a state that it did not seal."""
        return _confirmed(ctx, "sealed")

    @server.tool(structured_output=False)
    async def test_input_required_result_multi_round(ctx: Ctx) -> str | InputRequiredResult:
        """Ask twice, one after the other."""
        match ctx.request_state:
            case "first" if _content(ctx, "step1") is not None:
                return _asking("second", step2=elicitation("Step 2: What is your favorite color?", color=_TEXT))
            case "second" if _content(ctx, "step2") is not None:
                return "both answered"
            case _:
                return _asking("first", step1=elicitation("Step 1: What is your name?", name=_TEXT))

    @server.tool(structured_output=False)
    async def test_streaming_elicitation(ctx: Ctx) -> str | InputRequiredResult:
        """Ask within what may be a stream."""
        return _confirmed(ctx, "streamed")

    @server.prompt(description="A prompt that asks first")
    async def test_input_required_result_prompt(ctx: Ctx) -> str | InputRequiredResult:
        said = _content(ctx, "user_context")
        if said is None:
            return _asking(user_context=elicitation("What context should the prompt use?", context=_TEXT))
        return f"In the context of {said['context']}"


def _confirmed(ctx: Ctx, state: str) -> str | InputRequiredResult:
    if ctx.request_state == state and _content(ctx, "confirm") is not None:
        return "state-ok"
    return _asking(state, confirm=elicitation("Please confirm", ok={"type": "boolean"}))

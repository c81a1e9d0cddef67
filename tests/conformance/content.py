"""What the reference server has that needs nobody's answer: tools, resources, prompts and completions."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import zlib
from typing import Annotated, Any, Final

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp_types import (
    AudioContent,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)
from mcp_types.jsonrpc import MISSING_REQUIRED_CLIENT_CAPABILITY
from pydantic import Field

Ctx = Context[Any, Any]
PAUSE: Final = 0.05
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_OF_2020_12: Final[dict[str, Any]] = {
    "$schema": DIALECT,
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def _png() -> bytes:
    """One red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


def _wav() -> bytes:
    """Eight silent samples."""
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    body = b"WAVE" + form + b"data" + struct.pack("<I", 8) + b"\x80" * 8
    return b"RIFF" + struct.pack("<I", len(body)) + body


PNG: Final = _png()
_IMAGE: Final = ImageContent(type="image", data=base64.b64encode(PNG).decode(), mime_type="image/png")
_AUDIO: Final = AudioContent(type="audio", data=base64.b64encode(_wav()).decode(), mime_type="audio/wav")


def _embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def add_tools(server: MCPServer[Any]) -> None:
    @server.tool(structured_output=False)
    def test_simple_text() -> str:
        """Answer with a text."""
        return "This is a simple text response for testing."

    @server.tool(structured_output=False)
    def test_image_content() -> ImageContent:
        """Answer with an image."""
        return _IMAGE

    @server.tool(structured_output=False)
    def test_audio_content() -> AudioContent:
        """Answer with a sound."""
        return _AUDIO

    @server.tool(structured_output=False)
    def test_embedded_resource() -> EmbeddedResource:
        """Answer with a resource."""
        return _embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")

    @server.tool(structured_output=False)
    def test_multiple_content_types() -> list[ContentBlock]:
        """Answer with a text, an image and a resource."""
        text = TextContent(type="text", text="Multiple content types test:")
        data = json.dumps({"test": "data", "value": 123})
        return [text, _IMAGE, _embedded("test://mixed-content-resource", "application/json", data)]

    @server.tool(structured_output=False)
    def test_error_handling() -> str:
        """Fail as tools do."""
        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool(structured_output=False)
    def test_custom_header(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
        """Take an argument that a header must repeat."""
        return f"region {region}"

    @server.tool(structured_output=False)
    def test_missing_capability(ctx: Ctx) -> str:
        """Need a client that samples."""
        capabilities = ctx.client_capabilities
        if capabilities is None or capabilities.sampling is None:
            needed: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
            raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "The client did not declare `sampling`", needed)
        return "The client declared sampling."


def add_chatty_tools(server: MCPServer[Any]) -> None:
    """Tools that tell the client something on the way."""

    @server.tool(structured_output=False)
    async def test_tool_with_logging(ctx: Ctx) -> str:
        """Log three times."""
        for text in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.info(text)
            await asyncio.sleep(PAUSE)
        return "logged three times"

    @server.tool(structured_output=False)
    async def test_logging_tool(ctx: Ctx) -> str:
        """Log, which a client of revision 2026-07-28 sees only where it asks for it."""
        await ctx.info("Nobody asked for this")
        return "logged"

    @server.tool(structured_output=False)
    async def test_tool_with_progress(ctx: Ctx) -> str:
        """Report progress three times."""
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100)
            await asyncio.sleep(PAUSE)
        return "reported three times"

    @server.tool(structured_output=False)
    async def test_reconnection(ctx: Ctx) -> str:
        """Close the stream in the middle of the call; the client gets the rest where it resumes."""
        await ctx.close_sse_stream()
        await asyncio.sleep(4 * PAUSE)
        return "resumed"

    @server.tool(structured_output=False)
    async def test_trigger_tool_change(ctx: Ctx) -> str:
        """Tell listeners that tools changed."""
        await ctx.notify_tools_changed()
        return "told"

    @server.tool(structured_output=False)
    async def test_trigger_prompt_change(ctx: Ctx) -> str:
        """Tell listeners that prompts changed."""
        await ctx.notify_prompts_changed()
        return "told"


def tool_of_2020_12() -> Tool:
    """The tool whose schema uses what JSON Schema 2020-12 brought; it also answers a call without arguments."""

    def json_schema_2020_12_tool(name: str | None = None) -> str:
        """Have a schema that nobody may cut down."""
        return f"hello {name}"

    tool = Tool.from_function(json_schema_2020_12_tool, structured_output=False)
    return tool.model_copy(update={"parameters": SCHEMA_OF_2020_12})


def add_resources(server: MCPServer[Any]) -> None:
    @server.resource("test://static-text", description="A text", mime_type="text/plain")
    def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", description="An image", mime_type="image/png")
    def static_binary() -> bytes:
        return PNG

    @server.resource("test://watched-resource", description="What clients subscribe to", mime_type="text/plain")
    def watched_resource() -> str:
        return "watched"

    @server.resource("test://template/{id}/data", description="One for each id", mime_type="application/json")
    def template(id: str) -> str:  # noqa: A002 - the template of the suite names it so
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def add_prompts(server: MCPServer[Any]) -> None:
    @server.prompt(description="A text")
    def test_simple_prompt() -> str:
        return "This is a simple prompt for testing."

    @server.prompt(description="A text with two arguments")
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt(description="A resource, and a text about it")
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[Message]:  # noqa: N803 - the name of the suite
        resource = _embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [UserMessage(resource), UserMessage("Please process the embedded resource above.")]

    @server.prompt(description="An image, and a text about it")
    def test_prompt_with_image() -> list[Message]:
        return [UserMessage(_IMAGE), UserMessage("Please analyze the image above.")]

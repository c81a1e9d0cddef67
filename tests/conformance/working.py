"""Tasks of the reference server: the extension `io.modelcontextprotocol/tasks` of revision 2026-07-28."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding, ToolBinding
from mcp.server.mcpserver import Context, require_client_extension
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolRequestParams, InputRequiredResult, RequestParams
from mcp_types.jsonrpc import HEADER_MISMATCH, INTERNAL_ERROR, INVALID_PARAMS

from .asking import elicitation

Json = dict[str, Any]
_TTL: Final = 60_000
_POLL: Final = 100
_ENDED: Final = frozenset({"completed", "failed", "cancelled"})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(text: str, *, error: bool = False) -> Json:
    return {"content": [{"type": "text", "text": text}], "isError": error, "resultType": "complete"}


@dataclass
class Job:
    """One task: what it came to so far, and what it asks."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "working"
    created: str = field(default_factory=_now)
    updated: str = field(default_factory=_now)
    outcome: Json = field(default_factory=dict)
    asked: Json = field(default_factory=dict)
    answers: Json = field(default_factory=dict)
    runner: asyncio.Task[None] | None = None
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def facts(self) -> Json:
        times = {"createdAt": self.created, "lastUpdatedAt": self.updated}
        return {"taskId": self.id, "status": self.status, **times, "ttlMs": _TTL, "pollIntervalMs": _POLL}

    def become(self, status: str, **outcome: Any) -> None:
        self.status, self.outcome, self.updated = status, outcome, _now()

    async def ask(self, **requests: Any) -> Json:
        """Wait until every request was answered; the answers."""
        self.asked = {key: request.model_dump(by_alias=True, exclude_none=True) for key, request in requests.items()}
        self.become("input_required")
        await self._answered.wait()
        self.become("working")
        return self.answers

    def answer(self, answers: Json) -> None:
        known = self.asked.keys() & answers.keys()
        self.answers.update({key: answers[key] for key in known})
        for key in known:
            del self.asked[key]
        if known and not self.asked:
            self._answered.set()

    async def run(self, work: Work, params: CallToolRequestParams) -> None:
        try:
            self.become("completed", result=await work(self, params))
        except MCPError as error:
            self.become("failed", error={"code": error.code, "message": error.message})
        except asyncio.CancelledError:
            self.become("cancelled")
            raise


Work = Callable[[Job, CallToolRequestParams], Awaitable[Json]]


async def _compute(job: Job, params: CallToolRequestParams) -> Json:
    await asyncio.sleep(float((params.arguments or {}).get("seconds", 0)))
    return _text("computed")


async def _fail(job: Job, params: CallToolRequestParams) -> Json:
    await asyncio.sleep(0.1)
    return _text("The job failed as jobs do", error=True)


async def _break(job: Job, params: CallToolRequestParams) -> Json:
    raise MCPError(INTERNAL_ERROR, "The job broke")


async def _confirm(job: Job, params: CallToolRequestParams) -> Json:
    answers = await job.ask(confirmation=elicitation("Delete it?", confirm={"type": "boolean"}))
    return _text(f"deleted: {answers}")


async def _ask_twice(job: Job, params: CallToolRequestParams) -> Json:
    name = {"type": "string"}
    answers = await job.ask(first=elicitation("Who?", name=name), second=elicitation("Who else?", name=name))
    return _text(f"answered: {answers}")


async def _greet_by_name(job: Job, params: CallToolRequestParams) -> Json:
    return _text(f"Hello {_name_given(params)} from the task")


def _name_given(params: CallToolRequestParams) -> str | None:
    said = (params.input_responses or {}).get("user_name")
    content = getattr(said, "content", None)
    return content.get("name") if isinstance(content, dict) else None


_WORKS: Final[dict[str, Work]] = {
    "slow_compute": _compute,
    "failing_job": _fail,
    "protocol_error_job": _break,
    "confirm_delete": _confirm,
    "multi_input": _ask_twice,
    "test_tool_with_task": _greet_by_name,
}
_NEED_TASKS: Final = _WORKS.keys() - {"slow_compute"}


def greet(name: str) -> str:
    """Greet at once."""
    return f"Hello, {name}!"


async def slow_compute(seconds: float, label: str = "") -> str:
    """Compute for some seconds; without the extension while the client waits."""
    await asyncio.sleep(seconds)
    return f"computed {label}"


def failing_job() -> str:
    """Fail as a task."""
    return ""


def protocol_error_job() -> str:
    """Break as a task."""
    return ""


def confirm_delete(filename: str) -> str:
    """Ask before deleting, as a task."""
    return filename


def multi_input() -> str:
    """Ask twice at once, as a task."""
    return ""


def test_tool_with_task(ctx: Context[Any, Any]) -> InputRequiredResult | str:
    """Ask first, then work as a task."""
    return InputRequiredResult(input_requests={"user_name": elicitation("Your name?", name={"type": "string"})})


class TaskParams(RequestParams):
    task_id: str


class TaskUpdateParams(TaskParams):
    input_responses: Json


class Tasks(Extension):
    """Decides by itself which calls become tasks, and answers for them."""

    identifier = "io.modelcontextprotocol/tasks"

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def tools(self) -> Sequence[ToolBinding]:
        tools = (greet, slow_compute, failing_job, protocol_error_job, confirm_delete, multi_input, test_tool_with_task)
        return [ToolBinding(tool, kwargs={"structured_output": False}) for tool in tools]

    def methods(self) -> Sequence[MethodBinding]:
        only = frozenset({"2026-07-28"})
        return [
            MethodBinding("tasks/get", TaskParams, self._get, only),
            MethodBinding("tasks/update", TaskUpdateParams, self._update, only),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, only),
        ]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        work = _WORKS.get(params.name)
        if work is None:
            return await call_next(ctx)
        if not self._declared(ctx):
            if params.name in _NEED_TASKS:
                require_client_extension(ctx, self.identifier)
            return await call_next(ctx)
        if params.name == "test_tool_with_task" and _name_given(params) is None:
            return await call_next(ctx)
        job = Job()
        self._jobs[job.id] = job
        job.runner = asyncio.get_running_loop().create_task(job.run(work, params))
        return {"resultType": "task", **job.facts}

    def _declared(self, ctx: ServerRequestContext[Any, Any]) -> bool:
        capabilities = ctx.session.client_capabilities
        return self.identifier in ((capabilities and capabilities.extensions) or {})

    def _job(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> Job:
        require_client_extension(ctx, self.identifier)
        named = ctx.request.headers.get("mcp-name", params.task_id) if ctx.request is not None else params.task_id
        if named != params.task_id:
            raise MCPError(HEADER_MISMATCH, "`Mcp-Name` is not the task's id")
        job = self._jobs.get(params.task_id)
        if job is None:
            raise MCPError(INVALID_PARAMS, "There is no such task")
        return job

    async def _get(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
        job = self._job(ctx, params)
        asked = {"inputRequests": job.asked} if job.status == "input_required" else {}
        return {**job.facts, **asked, **job.outcome}

    async def _update(self, ctx: ServerRequestContext[Any, Any], params: TaskUpdateParams) -> HandlerResult:
        self._job(ctx, params).answer(params.input_responses)
        return {}

    async def _cancel(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
        job = self._job(ctx, params)
        if job.status not in _ENDED and job.runner is not None:
            job.runner.cancel()
        return {}

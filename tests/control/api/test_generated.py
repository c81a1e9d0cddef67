"""Requests that nobody thought of: generated from the document, sent to a running control plane."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from tests.control.api.document import PLACE
from tests.control.api.house import furnish
from tests.control.running import Control

from toolgate.store.tables import DEFAULT_ORGANISATION

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
)
SECONDS = 12


@pytest.mark.slow
async def test_generated_requests_are_answered_as_the_document_says(tmp_path: Path) -> None:
    async with Control.running(tmp_path / "data") as control:
        await furnish(control, DEFAULT_ORGANISATION, "one")
        token = control.token("admin", approver=("*",))
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            str(PLACE),
            f"--url={control.url}/api/v1",
            f"--header=Authorization: Bearer {token}",
            f"--checks={','.join(CHECKS)}",
            "--phases=examples,coverage,fuzzing",
            f"--max-time={SECONDS}",
            "--max-examples=10",
            "--exclude-operation-id=refresh_tools",  # its 502 is the truth: nobody is there
            "--request-timeout=10",
            "--suppress-health-check=all",
            "--warnings=off",
            "--seed=1",
            "--no-shrink",
            cwd=tmp_path,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()

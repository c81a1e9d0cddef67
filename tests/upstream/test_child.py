"""Children that behave, and children that do not: real programs, and nothing of them left afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import psutil
import pytest
from tests.demo.endings import alive

from toolgate.upstream.child import LINE_LIMIT, Child, ChildFailed

PATIENCE = 20.0

pytestmark = pytest.mark.slow


class Recorder:
    """A child and everything that it said."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[bytes] = asyncio.Queue()
        self.endings: list[int] = []
        self.over = asyncio.Event()
        self.processes: list[psutil.Process] = []
        self.child: Child

    async def start(self, command: Sequence[str], environment: dict[str, str] | None = None) -> Child:
        self.child = await Child.start(command, environment, received=self.lines.put_nowait, ended=self._end)
        self.processes.append(psutil.Process(self.child.pid))
        return self.child

    async def python(self, program: str) -> Child:
        return await self.start([sys.executable, "-u", "-c", program])

    def _end(self, status: int) -> None:
        self.endings.append(status)
        self.over.set()

    async def line(self) -> bytes:
        return await asyncio.wait_for(self.lines.get(), PATIENCE)

    async def ended(self) -> int:
        await asyncio.wait_for(self.over.wait(), PATIENCE)
        return self.endings[0]

    async def grandchild(self) -> psutil.Process:
        """A program that says the id of a process it started."""
        process = psutil.Process(int(await self.line()))
        self.processes.append(process)
        return process


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    """After every test nothing of the child may be left."""
    recorder = Recorder()
    yield recorder
    await recorder.child.close(0.1)
    assert alive(recorder.processes) == []
    assert len(recorder.endings) == 1


ECHO = "import sys\nfor line in sys.stdin.buffer:\n    sys.stdout.buffer.write(line); sys.stdout.buffer.flush()"
STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('here')\nwhile True: time.sleep(60)"
)
FORKING = (
    "import subprocess, sys\n"
    f"child = subprocess.Popen([sys.executable, '-u', '-c', {STUBBORN!r}], stdout=sys.stdout)\n"
    "print(child.pid)\n"
)


async def test_a_message_goes_in_and_comes_out_as_one_line(recorder: Recorder) -> None:
    child = await recorder.python(ECHO)
    child.send(b'{"a":\n1,\r\n"b": "\xc3\xa4"}')
    assert await recorder.line() == b'{"a": 1,  "b": "\xc3\xa4"}'


async def test_lines_stay_in_order_and_come_before_the_end(recorder: Recorder) -> None:
    await recorder.python("for n in range(1000): print(n)")
    assert await recorder.ended() == 0
    assert [recorder.lines.get_nowait() for _ in range(1000)] == [b"%d" % n for n in range(1000)]


async def test_the_end_of_its_input_lets_a_child_leave_by_itself(recorder: Recorder) -> None:
    child = await recorder.python("import sys\nsys.stdin.read()\nprint('bye')\nsys.exit(7)")
    assert await child.close(PATIENCE) == 7
    assert await recorder.line() == b"bye"


async def test_closing_twice_at_once_gives_one_ending(recorder: Recorder) -> None:
    child = await recorder.python(ECHO)
    assert list(await asyncio.gather(child.close(), child.close())) == [0, 0]
    assert await child.close() == 0


async def test_a_child_that_ignores_the_end_of_its_input_is_terminated(recorder: Recorder) -> None:
    child = await recorder.python("import time\nprint('here')\nwhile True: time.sleep(60)")
    await recorder.line()
    assert await child.close(0.1) == -signal.SIGTERM


async def test_a_child_that_ignores_term_is_killed(recorder: Recorder) -> None:
    child = await recorder.python(STUBBORN)
    await recorder.line()
    assert await child.close(0.1) == -signal.SIGKILL


async def test_a_line_of_megabytes_arrives_whole(recorder: Recorder) -> None:
    child = await recorder.python(ECHO)
    line = os.urandom(2 * 1024 * 1024).hex().encode()
    child.send(line)
    await asyncio.wait_for(child.drained(), PATIENCE)
    assert await recorder.line() == line


async def test_invalid_utf8_is_handed_on_as_it_is(recorder: Recorder) -> None:
    await recorder.python(r"import sys; sys.stdout.buffer.write(b'\xff\xfe\x80\nnext\n')")
    assert await recorder.line() == b"\xff\xfe\x80"
    assert await recorder.line() == b"next"


async def test_a_child_that_dies_in_a_line_leaves_no_half_message(recorder: Recorder) -> None:
    program = "import os, sys\nsys.stdout.write('whole\\nhal'); sys.stdout.flush()\nos.kill(os.getpid(), 9)"
    await recorder.python(program)
    assert await recorder.ended() == -signal.SIGKILL
    assert recorder.lines.get_nowait() == b"whole"
    assert recorder.lines.empty()


async def test_a_line_without_end_ends_the_child(recorder: Recorder, capfd: pytest.CaptureFixture[str]) -> None:
    program = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    await recorder.python(program)
    assert await recorder.ended() in {-signal.SIGKILL, 1, 120}  # killed, or a broken pipe that was quicker
    assert recorder.lines.empty()
    assert f"sends a line of more than {LINE_LIMIT} bytes" in capfd.readouterr().err


async def test_a_grandchild_that_holds_the_pipe_and_ignores_term_ends_with_the_child(recorder: Recorder) -> None:
    await recorder.python(FORKING)
    await recorder.grandchild()
    assert await recorder.ended() == 0


async def test_a_grandchild_that_left_the_group_does_not_keep_the_end_from_being_told(
    recorder: Recorder, capfd: pytest.CaptureFixture[str]
) -> None:
    program = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " stdout=sys.stdout, start_new_session=True)\nprint(child.pid)"
    )
    await recorder.python(program)
    grandchild = await recorder.grandchild()
    assert await recorder.ended() == 0
    assert "still holds its output" in capfd.readouterr().err
    grandchild.kill()


async def test_sending_to_a_child_that_is_gone_does_nothing(recorder: Recorder) -> None:
    child = await recorder.python("pass")
    await recorder.ended()
    child.send(b"{}")
    await asyncio.wait_for(child.drained(), PATIENCE)


async def test_a_child_that_does_not_read_makes_the_sender_wait(recorder: Recorder) -> None:
    child = await recorder.python("import sys\nsys.stdin.readline()\nprint('first')\nimport time\ntime.sleep(600)")
    child.send(b"x")
    await recorder.line()
    waiting = asyncio.ensure_future(child.drained())
    while waiting.done():
        child.send(b"x" * 65536)
        waiting = asyncio.ensure_future(child.drained())
        await asyncio.sleep(0)
    assert not waiting.done()
    await child.close(0.1)
    await waiting


async def test_a_paused_child_waits_and_loses_nothing(recorder: Recorder) -> None:
    child = await recorder.python("for n in range(100_000): print(n)")
    child.pause()
    await recorder_settles(recorder)
    assert recorder.lines.qsize() < 100_000
    child.resume()
    await recorder.ended()
    assert recorder.lines.qsize() == 100_000


async def recorder_settles(recorder: Recorder) -> None:
    """Until the child waits for its full pipe: it has written, and writes no more."""
    process = recorder.processes[0]
    before = -1
    while before != (now := process.io_counters().write_chars) or now == 0:
        before = now
        await asyncio.sleep(0.1)


async def test_the_environment_is_the_one_given(recorder: Recorder) -> None:
    await recorder.start([sys.executable, "-c", "import os; print(os.environ['WORD'])"], {"WORD": "given"})
    assert await recorder.line() == b"given"


async def test_a_command_that_is_not_there_is_a_clear_error_and_leaves_no_watcher(tmp_path: Path) -> None:
    before = psutil.Process().children()
    for command, cause in [
        (["/no/such/program"], "No such file"),
        ([str(tmp_path)], "Permission"),
        (["a\0b"], "NUL"),
        ([], "empty"),
    ]:
        with pytest.raises(ChildFailed, match=cause):
            await Child.start(command, received=lambda _line: None, ended=lambda _status: None)
    assert psutil.Process().children() == before


PARENT = """
import asyncio, sys
from toolgate.upstream.child import Child

async def main():
    child = await Child.start([sys.executable, "-u", "-c", sys.argv[1]], received=lambda line: print(line.decode()),
                              ended=lambda status: None)
    print(child.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_kill_9_of_the_parent_leaves_neither_child_nor_grandchild() -> None:
    program = FORKING + STUBBORN
    with subprocess.Popen([sys.executable, "-u", "-c", PARENT, program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        said = [parent.stdout.readline().strip() for _ in range(4)]  # both ids, and that both ignore TERM by now
        processes = [psutil.Process(int(word)) for word in said if word.isdigit()]
        watcher = psutil.Process(parent.pid).children()
        parent.kill()
    assert said.count("here") == 2
    assert alive([*processes, *watcher]) == []


@pytest.mark.parametrize("turns", range(6))
async def test_a_start_that_is_given_up_leaves_nothing(turns: int) -> None:
    before = set(psutil.Process().children())
    endings: list[int] = []
    starting = asyncio.create_task(Child.start(["sleep", "300"], received=lambda _line: None, ended=endings.append))
    for _ in range(turns):
        await asyncio.sleep(0)
    starting.cancel()
    try:
        child = await starting  # it was faster than the cancellation
    except asyncio.CancelledError:
        await asyncio.sleep(0.1)  # what the loop reports late is reported by now
    else:
        await child.close()
    assert alive([process for process in psutil.Process().children() if process not in before]) == []

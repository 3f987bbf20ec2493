"""Pairs of answers that need computer algebra, judged by processes that can be killed."""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from pipelines.errors import TamisError
from pipelines.verify import worker
from pipelines.verify.worker import Pair

CPU_SECONDS: Final = 3.0
"""What a pair may take: of the 5,000 answers of MATH's test set none takes more than 0.2."""

MEMORY: Final = 2 << 30
"""Bytes of address space of a runner, some 300 MB of which are there from the start."""

_BATCH: Final = 256
"""Pairs a runner gets: starting one, and what it learns anew, cost as much as some twenty."""

_MEANING: Final = {
    worker.VERIFIED: "verified",
    worker.REFUTED: "refuted",
    worker.UNVERIFIABLE: "unverifiable",
    worker.TIMED_OUT: "timed out",
}


class Workers:
    """Processes that judge pairs; they start with the first pair and end with `close`, or with this process.

    `cpu`: seconds of CPU for a pair, after which it is `timed out`. What crashes or outgrows its memory is
    `unverifiable`. `judge`: the file that judges them (see `worker.Judge`), Math-Verify's by default. Use it as a
    context manager.
    """

    def __init__(
        self,
        count: int | None = None,
        *,
        cpu: float = CPU_SECONDS,
        memory: int = MEMORY,
        judge: Path = Path(worker.__file__),
    ) -> None:
        self.judge = judge
        self.count = count or min(4, os.cpu_count() or 1)
        self.cpu = cpu
        self.memory = memory
        self._process: subprocess.Popen[bytes] | None = None
        self._connections: list[socket.socket] = []
        self._said: IO[bytes] | None = None

    def outcomes(self, pairs: Sequence[Pair]) -> list[str]:
        """The outcome of each pair of a gold answer and a text. TamisError where the processes were ended."""
        if not pairs:
            return []
        self._start()
        starts = iter(range(0, len(pairs), _BATCH))
        found: dict[int, list[str]] = {}
        with selectors.DefaultSelector() as waiting:
            for number in range(len(self._connections)):
                self._next(number, pairs, starts, waiting)
            while waiting.get_map():
                for key, _ in waiting.select():
                    number, start = key.data
                    connection = self._connections[number]
                    waiting.unregister(connection)
                    done = worker.receive(connection)
                    if done is None:
                        raise self._ended()
                    found[start] = [_MEANING[done[at : at + 1]] for at in range(len(done))]
                    self._next(number, pairs, starts, waiting)
        return [outcome for start in sorted(found) for outcome in found[start]]

    def close(self) -> None:
        """End the processes, whatever they are at."""
        for connection in self._connections:
            connection.close()
        self._connections = []
        if self._process is not None:
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None
        if self._said is not None:
            self._said.close()
            self._said = None

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        if self._process is not None:
            return
        ends = [socket.socketpair() for _ in range(self.count)]
        self._connections = [ours for ours, _ in ends]
        theirs = [their.fileno() for _, their in ends]
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the processes
        command = [
            sys.executable,
            "-P",
            str(worker.__file__),
            str(self.judge),
            str(self.cpu),
            str(self.memory),
            *map(str, theirs),
        ]
        try:
            # A session of their own: Ctrl-C reaches us alone, and we end them.
            self._process = subprocess.Popen(
                command, pass_fds=theirs, stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said,
                start_new_session=True,
            )  # fmt: skip
        finally:
            for _, their in ends:
                their.close()

    def _next(
        self,
        number: int,
        pairs: Sequence[Pair],
        starts: Iterator[int],
        waiting: selectors.DefaultSelector,
    ) -> None:
        connection, start = self._connections[number], next(starts, None)
        if start is None:
            return
        try:
            worker.send(connection, json.dumps(pairs[start : start + _BATCH]).encode())
        except BrokenPipeError as error:
            raise self._ended() from error
        waiting.register(connection, selectors.EVENT_READ, (number, start))

    def _ended(self) -> TamisError:
        said = ""
        if self._said is not None:
            self._said.seek(0)
            lines = self._said.read().decode(errors="replace").strip().splitlines()
            said = f": {lines[-1]}" if lines else ""
        self.close()
        return TamisError(
            f"the processes that verify answers were ended from outside{said}",
            where="verification",
            cure="Look for what kills processes here (memory, most likely), and run it again.",
        )

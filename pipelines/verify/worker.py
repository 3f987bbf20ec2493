"""The processes that run what may never end on hostile input: `python worker.py JUDGE CPU MEMORY SOCKET...`.

JUDGE is a file with `judged` and `prepare`: this one (Math-Verify), or a parser's of code. The first process loads it
once and forks a keeper for each socket. A keeper forks a runner for each
batch of pairs. The kernel ends a runner whose pair takes longer than CPU seconds, or than ten times as long on the
clock; its keeper then forks the next one for the pairs behind it. All end when the sockets are closed.

It imports nothing of this project, so that it starts fast.
"""

import contextlib
import functools
import gc
import importlib.util
import json
import logging
import os
import resource
import select
import signal
import socket
import sys
from typing import Final, Protocol, cast

VERIFIED: Final = b"v"
REFUTED: Final = b"r"
UNVERIFIABLE: Final = b"u"
TIMED_OUT: Final = b"t"

Pair = tuple[str, str]
"""A gold answer, and a text that says an answer."""

_CLOCK: Final = 10
"""Seconds on the clock for each second of CPU: a machine may be busy with other things."""

_KNOWN: Final = (
    *(r"5", r"0.25", r"\frac{3\sqrt{3}}{2}", r"x^2 - 2x + 1", r"(1, -2)", r"[0, 1)", r"(-\infty, 3] \cup [4, \infty)"),
    *(r"y = 2x - 3", r"90^\circ", r"\text{(C)}", r"\{1, 2\}"),
)
"""Answers that a keeper parses once it needs a second runner, so that no more runners build those tables themselves."""


def judged(gold: str, said: str) -> bytes:
    """What Math-Verify says of an answer, without its own time limits, which work in one thread only.

    Verified: the expressions are equal, or the texts are. Unverifiable: there is no expression on a side. Whatever
    comparing raises is raised.
    """
    from math_verify import parse, verify

    golds, answers = (parse(text, parsing_timeout=None) for text in (as_latex(gold), said))
    texts = [{str(found).strip() for found in side if isinstance(found, str)} - {""} for side in (golds, answers)]
    if texts[0] & texts[1]:
        return VERIFIED
    expressions = [[found for found in side if not isinstance(found, str)] for side in (golds, answers)]
    if not all(expressions):
        return UNVERIFIABLE
    return VERIFIED if verify(*expressions, timeout_seconds=None, raise_on_error=True) else REFUTED


def as_latex(gold: str) -> str:
    """A gold answer as Math-Verify reads it: as mathematics, unless it says itself where that begins."""
    bare = gold.strip()
    return bare if "\\boxed" in bare or bare.replace("\\$", "").count("$") >= 2 else f"${bare}$"


def prepare() -> None:
    """Load what all that are forked need."""
    logging.disable(logging.CRITICAL)
    import math_verify  # noqa: F401


class Judge(Protocol):
    """What a module has that judges pairs; `learn`, where it has it, is run before a keeper's second runner."""

    def judged(self, first: str, second: str) -> bytes:
        """One of the four bytes; whatever raises leaves the pair UNVERIFIABLE."""

    def prepare(self) -> None:
        """Load what all that are forked need."""


def main(judge: Judge, cpu: float, memory: int, sockets: list[int]) -> None:
    """Serve the sockets until they are closed. `cpu`: seconds for a pair; `memory`: bytes of address space."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us closes the sockets
    for ending in (signal.SIGPROF, signal.SIGALRM, signal.SIGTERM):
        signal.signal(ending, signal.SIG_DFL)
    connections = [socket.socket(fileno=number) for number in sockets]
    judge.prepare()
    keepers = []
    for position, connection in enumerate(connections):
        keeper = os.fork()
        if keeper == 0:
            try:
                for other in connections[:position] + connections[position + 1 :]:
                    other.close()
                _keep(judge, connection, cpu, memory)
            finally:
                os._exit(0)
        keepers.append(keeper)
    for connection in connections:
        connection.close()
    for keeper in keepers:
        os.waitpid(keeper, 0)


def send(connection: socket.socket, message: bytes) -> None:
    """One message, behind its length in eight bytes."""
    connection.sendall(len(message).to_bytes(8, "big") + message)


def receive(connection: socket.socket) -> bytes | None:
    """The next message; None where the other side has gone."""
    head = _exactly(connection, 8)
    return None if head is None else _exactly(connection, int.from_bytes(head, "big"))


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        try:
            more = connection.recv(min(size - len(found), 1 << 20))
        except ConnectionResetError:
            return None
        if not more:
            return None
        found += more
    return bytes(found)


@functools.cache
def learn() -> None:
    """Build the parser's tables and sympy's caches, and let collections of garbage leave them where they are."""
    for answer in _KNOWN:
        judged(answer, f"$\\boxed{{{answer}}}$")
    judged(_KNOWN[0], "$\\boxed{x + 7}$")
    gc.collect()
    gc.freeze()


def _keep(judge: Judge, connection: socket.socket, cpu: float, memory: int) -> None:
    first = True
    while (message := receive(connection)) is not None:
        if not first:
            _learn(judge)
        first = False
        found = _batch(judge, json.loads(message), connection, cpu, memory)
        if found is None:
            return
        send(connection, found)


def _learn(judge: Judge) -> None:
    getattr(judge, "learn", lambda: None)()


def _batch(judge: Judge, pairs: list[Pair], connection: socket.socket, cpu: float, memory: int) -> bytes | None:
    """One byte a pair; None where nobody waits for them any more."""
    found = b""
    while len(found) < len(pairs):
        reading, writing = os.pipe()
        runner = os.fork()
        if runner == 0:
            try:
                os.close(reading)
                connection.close()
                _run(judge, pairs[len(found) :], writing, cpu, memory)
            finally:  # also where comparing raised: the keeper knows it by the missing byte
                os._exit(0)
        os.close(writing)
        done = _results(reading, connection)
        os.close(reading)
        if done is None:
            os.kill(runner, signal.SIGKILL)
        _, status = os.waitpid(runner, 0)
        if done is None:
            return None
        found += done
        if len(found) < len(pairs):
            overran = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGALRM)
            found += TIMED_OUT if overran else UNVERIFIABLE
            _learn(judge)  # the next runner starts anew
    return found


def _results(reading: int, connection: socket.socket) -> bytes | None:
    """What a runner wrote until it ended; None where the other side of the socket went first."""
    done = b""
    ends = [reading, connection.fileno()]
    while True:
        ready, _, _ = select.select(ends, [], [])
        if reading not in ready:
            return None  # nothing is sent before we answer, so this is the end
        more = os.read(reading, 1 << 16)
        if not more:
            return done
        done += more


def _run(judge: Judge, pairs: list[Pair], writing: int, cpu: float, memory: int) -> None:
    if sys.platform == "linux":  # macOS refuses to bound the address space
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for gold, said in pairs:
        signal.setitimer(signal.ITIMER_PROF, cpu)
        signal.setitimer(signal.ITIMER_REAL, cpu * _CLOCK)
        os.write(writing, judge.judged(gold, said))


def _loaded(path: str) -> Judge:
    """The module that a file is; it is not looked for among the installed ones."""
    spec = importlib.util.spec_from_file_location("judge", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Judge, module)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main(_loaded(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), [int(number) for number in sys.argv[4:]])

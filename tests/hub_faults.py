"""A Hub that misbehaves: ASGI middleware around the sample Hub."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Requests:
    """What was asked of a Hub, in order: (method, path, status, authorization header or None)."""

    seen: list[tuple[str, str, int, str | None]] = field(default_factory=list)

    def paths(self, method: str | None = None) -> list[str]:
        return [path for verb, path, _, _ in self.seen if method in (None, verb)]

    def wrap(self, app: ASGIApp) -> ASGIApp:
        async def recording(scope: Scope, receive: Receive, send: Send) -> None:
            token = dict(scope["headers"]).get(b"authorization")

            async def note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self.seen.append((scope["method"], scope["path"], message["status"], token and token.decode()))
                await send(message)

            await app(scope, receive, note)

        return recording


def refusing(times: int, status: int, *, where: str = "", headers: dict[str, str] | None = None) -> Callable[..., Any]:
    """Answer the first `times` requests whose path contains `where` with `status`."""
    left = times

    def wrap(app: ASGIApp) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal left
            if left > 0 and where in scope["path"]:
                left -= 1
                await JSONResponse({"error": "not now"}, status, headers=headers)(scope, receive, send)
            else:
                await app(scope, receive, send)

        return answer

    return wrap


def truncating(times: int, keep: int, *, where: str) -> Callable[..., Any]:
    """Break off the first `times` downloads whose path contains `where` after `keep` bytes of the body."""
    return _spoiling(times, where, lambda body, sent: body[: max(keep - sent, 0)], abort=True)


def corrupting(times: int, *, where: str) -> Callable[..., Any]:
    """Flip the bits of the first `times` downloads whose path contains `where`; lengths stay right."""
    return _spoiling(times, where, lambda body, _: bytes(byte ^ 0xFF for byte in body), abort=False)


def stalling(*, where: str, after: int) -> Callable[..., Any]:
    """Send the first `after` bytes of downloads whose path contains `where`, then nothing more for a minute."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            sent = 0

            async def stalled(message: Message) -> None:
                nonlocal sent
                if message["type"] == "http.response.body" and scope["method"] == "GET" and where in scope["path"]:
                    sent += len(message.get("body", b""))
                    if sent > after:
                        await asyncio.wait_for(_gone(receive), 60)
                        raise ConnectionAbortedError
                await send(message)

            await app(scope, receive, stalled)

        return answer

    return wrap


async def _gone(receive: Receive) -> None:
    """Until the client closes the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _spoiling(times: int, where: str, spoil: Callable[[bytes, int], bytes], *, abort: bool) -> Callable[..., Any]:
    left = times

    def wrap(app: ASGIApp) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal left
            if left <= 0 or scope["method"] != "GET" or where not in scope["path"]:
                await app(scope, receive, send)
                return
            left -= 1
            sent = 0

            async def spoiled(message: Message) -> None:
                nonlocal sent
                if message["type"] == "http.response.body":
                    body = message.get("body", b"")
                    rest = spoil(body, sent)
                    sent += len(body)
                    if abort and rest != body:
                        await send({**message, "body": rest, "more_body": True})
                        raise ConnectionAbortedError  # uvicorn closes the connection in the middle of the body
                    message = {**message, "body": rest}
                await send(message)

            await app(scope, receive, spoiled)

        return answer

    return wrap


def unreachable() -> str:
    """An endpoint where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

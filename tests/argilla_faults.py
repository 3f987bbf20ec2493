"""An Argilla that misbehaves: a proxy on loopback before a real one, whose `fault` is set by the test."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


@dataclass
class Proxy:
    """`bulks`: bulk requests that are passed on before the fault begins; None for no fault. `fault`: "500" answers so,
    "slow" passes on after `delay_s`, "cut" passes on and hangs up without the answer."""

    url: str
    fault: str = "500"
    bulks: int | None = None
    delay_s: float = 3.0
    seen: list[str] = field(default_factory=list)

    def spoils(self, path: str) -> bool:
        if self.bulks is None or not path.endswith("/bulk"):
            return False
        self.bulks -= 1
        return self.bulks < 0


@contextlib.contextmanager
def proxied(target: str) -> Iterator[Proxy]:
    client = httpx.Client(base_url=target, timeout=60)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            proxy.seen.append(f"{self.command} {self.path}")
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            spoilt = proxy.spoils(self.path.split("?")[0])
            if spoilt and proxy.fault == "500":
                self._answer(500, b'{"detail": "out of order"}')
                return
            if spoilt and proxy.fault == "slow":
                time.sleep(proxy.delay_s)
            headers = {name: self.headers[name] for name in ("x-argilla-api-key", "content-type") if self.headers[name]}
            got = client.request(self.command, self.path, content=body, headers=headers)
            if spoilt and proxy.fault == "cut":
                self.close_connection = True
                return
            self._answer(got.status_code, got.content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 -- names that http.server asks for

        def _answer(self, status: int, body: bytes) -> None:
            with contextlib.suppress(OSError):  # who asked may have gone
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy = Proxy(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        client.close()

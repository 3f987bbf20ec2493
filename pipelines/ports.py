"""Ports on loopback, and who holds them."""

import socket
from typing import Final

import psutil

from pipelines.errors import TamisError

HOST: Final = "127.0.0.1"


def listening(port: int, where: str) -> socket.socket:
    """A socket that listens on the port; 0: on a free one. TamisError where somebody else does, which says who."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((HOST, port))
    except OSError as error:
        server.close()
        raise TamisError(
            f"port {port} is in use{_holder(port)}",
            where=where,
            cure="Stop that process (an earlier `make up`?), then run again.",
        ) from error
    server.listen(128)
    return server


def refuse_busy(port: int, where: str) -> None:
    """Raise TamisError where somebody listens on the port, and say who."""
    listening(port, where).close()


def answers(port: int) -> bool:
    """Whether somebody listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _holder(port: int) -> str:
    """` by NAME (process N)`, as far as this user may see it."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS shows other processes to root only
        return ""
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            if connection.pid is None:
                return " by another user's process"
            return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""

"""A real server for a test, if the environment names one."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import time
import unittest
import urllib.request
from dataclasses import replace
from typing import Any

from tidelock import Address, Token, fetch_token

PORTS = range(7900, 8000)
START_S = 10.0
STOP_S = 10.0


def server_bin() -> str:
    """The server of TIDELOCK_SERVER_BIN, or the test is skipped."""
    path = os.environ.get("TIDELOCK_SERVER_BIN")
    if not path:
        raise unittest.SkipTest("TIDELOCK_SERVER_BIN names no server")
    return path


def need_cryptography() -> None:
    try:
        import cryptography  # noqa: F401, PLC0415
    except ImportError:
        raise unittest.SkipTest("the package `cryptography` is not installed") from None


def free_ports(count: int) -> list[int]:
    """Ports that neither UDP nor TCP has taken."""
    found: list[int] = []
    for port in PORTS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise unittest.SkipTest("no ports are free")


def schema() -> dict[str, Any]:
    text = subprocess.run([server_bin(), "schema", "--json"], check=True, capture_output=True).stdout
    document: dict[str, Any] = json.loads(text)
    return document


class Server:
    """A server process."""

    def __init__(self, *flags: str) -> None:
        self.port, self.admin_port = free_ports(2)
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def admin(self) -> str:
        return f"http://127.0.0.1:{self.admin_port}"

    def __enter__(self) -> Server:
        self._process = subprocess.Popen(
            [
                server_bin(),
                *("--bind", f"127.0.0.1:{self.port}"),
                *(
                    "--admin",
                    f"127.0.0.1:{self.admin_port}",
                    "--log",
                    "error",
                    *(() if "--drain-timeout" in self._flags else ("--drain-timeout", "0s")),
                ),
                *self._flags,
            ]
        )
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            try:
                self.get("/clients")
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise RuntimeError("the server did not start")

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S / 2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S)

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.admin + path, timeout=5) as answer:
            return str(answer.read().decode())

    def post(self, path: str, body: Any = None) -> str:
        data = json.dumps(body).encode() if body is not None else b""
        request = urllib.request.Request(self.admin + path, data=data, method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:
            return str(answer.read().decode())

    async def token(self, client_id: int, by_way_of: int | None = None) -> Token:
        """A token; the server list that a client reads is not sealed, so that it may lead to a proxy's port."""
        token = Token.parse(await fetch_token(self.admin, client_id))
        return token if by_way_of is None else replace(token, servers=(Address("127.0.0.1", by_way_of),))

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        return sum(float(line.rsplit(" ", 1)[1]) for line in self.get("/metrics").splitlines() if line.startswith(name))


def bots(server: Server, clients: int, seconds: float) -> subprocess.Popen[bytes] | None:
    """Players around, if TIDELOCK_SIM_BIN names the simulator."""
    path = os.environ.get("TIDELOCK_SIM_BIN")
    if not path:
        return None
    return subprocess.Popen(
        [
            path,
            *("--server", f"127.0.0.1:{server.port}", "--admin", server.admin, "--clients", str(clients)),
            *("--bots", "fight", "--duration", f"{seconds:.0f}s", "--ramp", "1s", "--quiet", "--tui", "never"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def wait_until(holds: Any, timeout_s: float) -> bool:
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if holds():
            return True
        await asyncio.sleep(0.02)
    return False

"""PostgreSQL and MySQL servers on this machine, in folders of their own, started and stopped."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

PASSWORD = "S3cr3t"
PLACES = (*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/sbin"))
STARTS_WITHIN = 60  # seconds


@dataclass
class Server:
    """A database server that listens on loopback alone.

    Args:
        folder: Where its files are.
        url: The storage URL, with the password.
        command: Starts the server.
        kill: The signal that ends it at once, in the middle of whatever its connections do.
        user: What it runs as; neither server runs as root.
    """

    folder: Path
    url: str
    command: Sequence[str | Path]
    kill: signal.Signals
    user: dict[str, Any]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self._process = self.popen(self.command)
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        end = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                return engine.connect().close()
            except DBAPIError:
                assert time.monotonic() < end, self.log
                assert self._process.poll() is None, self.log
                time.sleep(0.1)

    def stop(self) -> None:
        """Kills it."""
        if self._process is not None:
            self._process.send_signal(self.kill)
            self._process.wait(STARTS_WITHIN)
            self._process = None

    def popen(self, command: Sequence[str | Path]) -> "subprocess.Popen[bytes]":
        """A process of the server's user, whose output goes to the log."""
        with (self.folder / "log").open("a") as log:
            return subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT, **self.user
            )

    @property
    def log(self) -> str:
        """What the server has said."""
        return (self.folder / "log").read_text()[-2_000:]


def program(*names: str) -> str:
    """The path of the first of some programs that is installed, or skips the test."""
    path = os.pathsep.join([os.environ["PATH"], *map(str, PLACES)])
    found = next((found for name in names if (found := shutil.which(name, path=path))), None)
    return found or pytest.skip(f"needs {names[0]}, of a server that is not installed")


def postgresql(folder: Path, port: int, user: dict[str, Any]) -> Server:
    if find_spec("psycopg") is None:
        pytest.skip("needs pip install 'asymnas[postgresql]'")
    initdb, postgres, data = program("initdb"), program("postgres"), folder / "data"
    options = [
        f"port={port}",
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "fsync=off",
    ]
    server = Server(
        folder,
        f"postgresql+psycopg://me:{PASSWORD}@127.0.0.1:{port}/postgres",
        [postgres, "-D", data, *(word for option in options for word in ("-c", option))],
        signal.SIGQUIT,
        user,
    )
    (folder / "password").write_text(PASSWORD)
    made = server.popen(
        [initdb, "-D", data, "-U", "me", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}"]
    )
    assert made.wait() == 0, server.log
    return server


def mysql(folder: Path, port: int, user: dict[str, Any]) -> Server:
    if find_spec("pymysql") is None:
        pytest.skip("needs pip install 'asymnas[mysql]'")
    install, mariadbd = program("mariadb-install-db"), program("mariadbd")
    own = ["--no-defaults", f"--datadir={folder / 'data'}"]
    server = Server(
        folder,
        f"mysql+pymysql://me:{PASSWORD}@127.0.0.1:{port}/studies",
        [
            mariadbd,
            *own,
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={folder / 'socket'}",
            f"--init-file={folder / 'init.sql'}",
            "--skip-name-resolve",
        ],
        signal.SIGKILL,
        user,
    )
    (folder / "init.sql").write_text(
        "CREATE DATABASE IF NOT EXISTS studies;\n"
        f"CREATE USER IF NOT EXISTS me@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
        "GRANT ALL ON studies.* TO me@'127.0.0.1';\n"
    )
    made = server.popen(
        [install, *own, "--skip-test-db", "--auth-root-authentication-method=normal"]
    )
    assert made.wait() == 0, server.log
    return server


SERVERS: dict[str, Callable[[Path, int, dict[str, Any]], Server]] = {
    "postgresql": postgresql,
    "mysql": mysql,
}


@contextmanager
def server_of(name: str) -> Iterator[Server]:
    """A server that answers, or the test is skipped."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # A path that any user reaches, and short enough for a socket.
    folder = Path(tempfile.mkdtemp(prefix="asymnas-"))
    user: dict[str, Any] = {}
    try:
        if os.geteuid() == 0:
            user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(folder, "nobody")
        server = SERVERS[name](folder, port, user)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)

"""One coordinator a study: a lease in the study's own attributes, so that it holds across hosts."""

import os
import socket
import time
import uuid
from collections.abc import Callable
from typing import Any

from asymnas.core.errors import StudyError

LEASE = "asymnas:lease"  # the study attribute
STALE_SECONDS = 60.0
RENEW_SECONDS = 10.0


class Lease:
    """The right to write to a study.

    Args:
        read: Returns the lease stored in the study, empty if none.
        write: Stores it.
    """

    def __init__(
        self, read: Callable[[], dict[str, Any]], write: Callable[[dict[str, Any]], None]
    ) -> None:
        self._read, self._write = read, write
        self._token = uuid.uuid4().hex
        self._renewed = 0.0

    def acquire(self) -> None:
        """Takes the lease; again, if it is held already.

        Raises:
            StudyError: Another live coordinator holds it.
        """
        held = self._read()
        if held and not self._is_ours(held) and not _stale(held):
            raise StudyError(
                f"this study is being run by process {held['pid']} on {held['host']}; wait for it, "
                f"stop it, or retry {STALE_SECONDS:.0f} s after it died"
            )
        self._sign()
        if not self._is_ours(self._read()):
            raise StudyError("another process took this study at the same moment; try again later")

    def renew(self) -> None:
        """Says that the holder lives; writes at most every ten seconds.

        Raises:
            StudyError: The lease went stale, after a long sleep for example, and another took it.
        """
        if time.monotonic() - self._renewed <= RENEW_SECONDS:
            return
        if not self._is_ours(self._read()):
            raise StudyError(
                "another process has taken this study over; what it runs goes on there"
            )
        self._sign()

    def release(self) -> None:
        """Gives the lease up, if it is still held."""
        if self._is_ours(self._read()):
            self._write({})

    def _sign(self) -> None:
        holder = {"token": self._token, "host": socket.gethostname(), "pid": os.getpid()}
        self._write({**holder, "time": time.time()})
        self._renewed = time.monotonic()

    def _is_ours(self, held: dict[str, Any]) -> bool:
        return held.get("token") == self._token


def _stale(held: dict[str, Any]) -> bool:
    if time.time() - float(held["time"]) > STALE_SECONDS:
        return True
    return held["host"] == socket.gethostname() and not _alive(int(held["pid"]))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

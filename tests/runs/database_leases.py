"""Leases in a database, as of studies on a server: left by killed processes, lost, found stale."""

import sqlalchemy as sa

from asymnas.core.errors import StudyError
from asymnas.runs.study.lease import DatabaseLease

from .faults import Faults

ELSEWHERE = {"token": "x", "host": "elsewhere", "pid": 1, "started": 0.0}
STALE = {"renewed": "2000-01-01 00:00:00"}
NEVER_S = 3_600.0  # between renewals


def row_of(url: str, **changes: object) -> None:
    """Makes a lease's row what another holder, or time, would have made it."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        assignments = ", ".join(f"{name} = :{name}" for name in changes)
        connection.execute(sa.text(f"UPDATE asymnas_leases SET {assignments}"), changes)
    engine.dispose()


class UnreliableLease(DatabaseLease):
    """A lease that a process loses to another, or leaves behind when it is killed.

    Args:
        url: Where its row is.
        study: The study's name.
        found: Whether the process was killed.
        lost_at: The look at which it is another's; `None` for none.

    Attributes:
        left: Whether its row is another holder's now.
    """

    def __init__(self, url: str, study: str, found: Faults, lost_at: int | None) -> None:
        super().__init__(url, study, renew_s=NEVER_S)
        self._place, self._found, self._lost_at = url, found, lost_at
        self._looks = 0
        self._held = self.left = False

    def acquire(self) -> None:
        super().acquire()
        self._held = True

    def check(self) -> None:
        self._looks += 1
        if self._looks == self._lost_at:
            self._leave()
            raise StudyError("another process has taken this study over")
        super().check()

    def release(self, *, discard: bool = False) -> None:
        if self._held and self._found.killed:
            self._leave()
        super().release(discard=discard)  # not a row that is another's

    def _leave(self) -> None:
        row_of(self._place, **ELSEWHERE)
        self.left = True

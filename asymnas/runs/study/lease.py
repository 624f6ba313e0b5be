"""One writer per study: a lock on a file, or a row of a database where the study is on a server."""

import json
import os
import re
import socket
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import filelock
import psutil
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from asymnas.core.errors import StudyError
from asymnas.core.files import write_whole
from asymnas.core.urls import public_url, without_secrets
from asymnas.runs.study.storage import reason_of, sqlite_file, whole_url

STALE_S = 60.0
RENEW_S = 10.0
LONGEST_S = 1800.0


class Lease(Protocol):
    """The right to write to a study; at most one process holds it."""

    def acquire(self) -> None:
        """Takes the lease.

        Raises:
            StudyError: Another process holds it; the message says which.
        """

    def check(self) -> None:
        """Raises if the lease was lost.

        Raises:
            StudyError: Another process has taken it.
        """

    def release(self, *, discard: bool = False) -> None:
        """Gives the lease up, if it is held.

        Args:
            discard: Leave nothing behind: there is no study that it is the lease of.
        """


def lease_of(storage: str, study: str) -> Lease:
    """The lease of a study, not yet acquired.

    Args:
        storage: Optuna storage URL.
        study: The study's name.

    Raises:
        StudyError: Nothing in a storage of that kind can be locked.
    """
    if (database := sqlite_file(storage)) is not None:
        return FileLease(database, study)
    if storage.startswith(("redis", "grpc")):
        raise StudyError(
            f"a study cannot be locked in {public_url(storage)}, so two processes could write to "
            "it: use SQLite, PostgreSQL or MySQL"
        )
    return DatabaseLease(storage, study)


@dataclass(frozen=True)
class Holder:
    """A process, so that it is never mistaken for a later one with the same number.

    Args:
        host: Name of the host, and its process namespace where there is one.
        pid: Process number.
        started: When the process began, in seconds since 1970, by its own host.
    """

    host: str
    pid: int
    started: float

    @classmethod
    def here(cls) -> "Holder":
        """This process."""
        process = psutil.Process()
        return cls(host=_host(), pid=process.pid, started=process.create_time())

    @property
    def dead(self) -> bool:
        """Whether the process was on this host and is gone."""
        return self.host == _host() and not self.alive

    @property
    def alive(self) -> bool:
        """Whether the process is on this host and runs."""
        if self.host != _host():
            return False
        try:
            return abs(psutil.Process(self.pid).create_time() - self.started) < 1
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True

    def __str__(self) -> str:
        """The process as a message names it."""
        return f"process {self.pid} on {self.host.partition(' ')[0]}"


class FileLease:
    """A lock on a file beside a SQLite database; the system frees it when its process ends.

    Args:
        database: The database's file; its folder exists.
        study: The study's name.
    """

    def __init__(self, database: Path, study: str) -> None:
        base = f".{database.name}.{_slug(study)}"
        self._holder = database.with_name(f"{base}.holder.json")
        path = database.with_name(f"{base}.lock")
        self._lock = filelock.FileLock(path, thread_local=False, blocking=False)

    def acquire(self) -> None:
        """Takes the lease.

        Raises:
            StudyError: Another process holds it, or the file system cannot lock.
        """
        try:
            self._lock.acquire()
        except filelock.Timeout:
            raise _in_use(self._read()) from None
        except (OSError, NotImplementedError) as error:
            raise StudyError(
                f"cannot lock {self._lock.lock_file}: {error}; keep the study on a file system "
                "that can, or on a server"
            ) from error
        try:
            write_whole(self._holder, json.dumps(asdict(Holder.here())))
        except BaseException:
            self.release()
            raise

    def check(self) -> None:
        """Raises if the lock's file is gone: what is written now would be lost with its folder.

        Raises:
            StudyError: The folder was moved or deleted.
        """
        if not Path(self._lock.lock_file).exists():
            raise StudyError(
                f"{self._holder.parent} was moved or deleted while the study in it was written: "
                "put it back and run the command again"
            )

    def release(self, *, discard: bool = False) -> None:
        """Gives the lease up, if it is held.

        Args:
            discard: Delete the file too: there is no study that it is the lock of.
        """
        if self._lock.is_locked:
            with suppress(OSError):  # it says who holds the lock, and nobody does then
                self._holder.unlink(missing_ok=True)
            if discard:  # while it is held: whoever waits for it notices, and makes another
                with suppress(OSError):  # where an open file cannot be deleted
                    Path(self._lock.lock_file).unlink()
            self._lock.release()

    def _read(self) -> Holder | None:
        try:
            return Holder(**json.loads(self._holder.read_text()))
        except (OSError, ValueError, TypeError):  # it is being written, or it was removed
            return None


_LEASES = sa.Table(
    "asymnas_leases",
    sa.MetaData(),
    sa.Column("study", sa.String(32), primary_key=True),
    sa.Column("token", sa.String(32), nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("started", sa.Double, nullable=False),
    sa.Column("renewals", sa.BigInteger, nullable=False),
    sa.Column("renewed", sa.DateTime(timezone=True), nullable=False),
)


class DatabaseLease:
    """A row of the study's database, which its holder renews in the background.

    Times are the database server's alone, so that the clocks of hosts do not matter. A row is
    inserted under a unique key, and taken over only as it was read: of two processes one wins.

    A server that does not answer does not end the lease: nobody else gets it there either. When it
    answers again, it may have been another process that it answered first, so nothing is to be
    written to the study before the lease is renewed.

    Args:
        storage: Storage URL.
        study: The study's name.
        renew_s: Seconds between renewals.
        stale_s: Seconds after the last renewal at which another process may take over.
        longest_s: Seconds after the last renewal at which the lease is given up as lost.
    """

    def __init__(
        self,
        storage: str,
        study: str,
        *,
        renew_s: float = RENEW_S,
        stale_s: float = STALE_S,
        longest_s: float = LONGEST_S,
    ) -> None:
        self._url = whole_url(storage)
        self._study = blake2b(study.encode(), digest_size=16).hexdigest()
        self._renew_s, self._stale_s, self.longest_s = renew_s, stale_s, longest_s
        self._renewed = time.monotonic()
        self._token = uuid.uuid4().hex
        self._lost = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._engine: sa.Engine | None = None

    def acquire(self) -> None:
        """Takes the lease, and renews it until it is released.

        Raises:
            StudyError: Another live process holds it, or the database cannot be used.
        """
        try:
            self._engine = sa.create_engine(self._url, poolclass=sa.NullPool)
            _LEASES.create(self._engine, checkfirst=True)
            holder = None if self._insert() else self._take_over()
        except (SQLAlchemyError, ImportError, ValueError) as error:
            reason = self.reason_of(error)
            raise StudyError(
                f"cannot lock the study in {self.shown}: {reason}; check that the URL is of the "
                "form sqlite:///FILE, postgresql+DRIVER://USER@HOST/NAME or mysql+DRIVER://..., "
                "that the driver is installed, and that the server answers"
            ) from None
        if holder is not None:
            raise _in_use(holder)
        self._renewed = time.monotonic()
        self._stop.clear()
        self._thread = threading.Thread(target=self._keep, name="asymnas-lease", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raises if the lease was lost, after a long sleep for example.

        Raises:
            StudyError: Another process has taken the study over, or it could not be renewed.
        """
        if self._lost:
            raise StudyError(self._lost)

    def renew(self) -> None:
        """Renews the lease now.

        Raises:
            StudyError: Another process has taken the study over.
            SQLAlchemyError: The database does not answer.
        """
        began = time.monotonic()
        with self._begin() as connection:
            values = {"renewals": _LEASES.c.renewals + 1, "renewed": _now(connection)}
            update = sa.update(_LEASES).where(self._is_ours).values(**values)
            ours = connection.execute(update).rowcount
        if not ours:
            self._lost = "another process has taken this study over, and continues it there"
        self.check()
        self._renewed = began

    @property
    def held(self) -> bool:
        """Whether it was acquired and not released; it may be lost."""
        return self._thread is not None

    @property
    def may_be_stale(self) -> bool:
        """Whether another process may have taken the study over since the last renewal."""
        return time.monotonic() - self._renewed >= self._stale_s

    @property
    def shown(self) -> str:
        """The storage's URL without its secrets."""
        return public_url(self._url)

    def reason_of(self, error: Exception) -> str:
        """What an error of the database says, in one line without secrets."""
        return without_secrets(reason_of(error), self._url)

    def release(self, *, discard: bool = False) -> None:
        """Gives the lease up, if it is held; nothing is left of it in any case."""
        self._stop.set()
        if self._thread is None or self._engine is None:
            return
        self._thread.join()
        self._thread = None
        with suppress(SQLAlchemyError), self._engine.begin() as connection:
            connection.execute(sa.delete(_LEASES).where(self._is_ours))
        self._engine.dispose()

    @property
    def _is_ours(self) -> sa.ColumnElement[bool]:
        return (_LEASES.c.study == self._study) & (_LEASES.c.token == self._token)

    def _values(self, now: datetime) -> dict[str, Any]:
        return {"token": self._token, **asdict(Holder.here()), "renewals": 0, "renewed": now}

    def _insert(self) -> bool:
        try:
            with self._begin() as connection:
                values = self._values(_now(connection))
                connection.execute(sa.insert(_LEASES).values(study=self._study, **values))
        except IntegrityError:
            return False
        return True

    def _take_over(self) -> Holder | None:
        """Replaces a stale row; returns the holder if the row is not stale, or was replaced."""
        with self._begin() as connection:
            query = sa.select(_LEASES).where(_LEASES.c.study == self._study)
            row = connection.execute(query).one_or_none()
            now = _now(connection)
        if row is None:
            return None if self._insert() else self._take_over()
        holder = Holder(host=row.host, pid=row.pid, started=row.started)
        late = now - row.renewed > timedelta(seconds=self._stale_s)
        if not (holder.dead or (late and not holder.alive)):
            return holder
        as_read = (
            (_LEASES.c.study == self._study)
            & (_LEASES.c.token == row.token)
            & (_LEASES.c.renewals == row.renewals)
        )
        with self._begin() as connection:
            update = sa.update(_LEASES).where(as_read).values(**self._values(_now(connection)))
            replaced = connection.execute(update).rowcount
        return None if replaced else self._take_over()

    def _begin(self) -> Any:
        if self._engine is None:
            raise StudyError("the lease was not acquired")
        return self._engine.begin()

    def _keep(self) -> None:
        """Renews the lease every few seconds, until it is lost, given up or released."""
        while not self._stop.wait(self._renew_s):
            try:
                self.renew()
            except StudyError:
                return
            except SQLAlchemyError as error:
                if time.monotonic() - self._renewed >= self.longest_s:
                    reason = self.reason_of(error)
                    self._lost = f"the study's database could not be reached: {reason}"
                    return


def _now(connection: sa.Connection) -> datetime:
    """The time by the database's clock."""
    query = sa.select(sa.func.current_timestamp(type_=sa.DateTime(timezone=True)))
    now: datetime = connection.execute(query).scalar_one()
    return now


def _in_use(holder: Holder | None) -> StudyError:
    who = f"{holder}" if holder else "another process"
    return StudyError(f"this study is being run by {who}; wait for it or stop it, then try again")


def _slug(study: str) -> str:
    """A study's name as part of a file's name, unambiguous."""
    plain = re.sub(r"[^\w.-]", "-", study)[:64]
    digest = blake2b(study.encode(), digest_size=4).hexdigest()
    return plain if plain == study else f"{plain}-{digest}"


def _host() -> str:
    """The host's name, and what tells containers of one name apart."""
    try:
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()

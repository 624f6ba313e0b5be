"""Opening Optuna storages, with their errors as one line that holds no password."""

import ctypes
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import psutil
from optuna.storages import BaseStorage
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from asymnas.core.errors import AsymnasError, DamageError, StudyError
from asymnas.core.urls import HIDDEN, public_url, without_password, without_secrets
from asymnas.runs.study.whole_trials import WholeTrials

#: The environment variable that holds the whole URL of a storage whose password is not stored.
STORAGE_VARIABLE = "ASYMNAS_STORAGE"

#: File systems of other machines, on which SQLite's write-ahead log does not work.
NETWORKED = ("nfs", "cifs", "smb", "9p", "beegfs", "ceph", "gluster", "gpfs", "lustre", "fuse")

WAIT_S = 60.0  # for a SQLite database that another process has locked
FOLD_S = 0.5  # for a database that another process is just reading, when a run ends
UNPOOLED = {"poolclass": NullPool}


def open_storage(url: str, *, timeout_s: float = WAIT_S) -> BaseStorage:
    """Opens a storage.

    Args:
        url: Optuna storage URL, or one that was stored with its password hidden.
        timeout_s: Seconds to wait for a SQLite database that another process has locked.

    Raises:
        StudyError: It cannot be opened.
    """
    return _opened(url, timeout_s, writes=False)


@dataclass(frozen=True)
class WriteAheadLog:
    """What one process writes to a SQLite database, in a file beside it.

    A trial takes some forty commits, and one to a SQLite file waits for the disk several times, 20
    ms in all. To a write-ahead log it does not wait. A process that is killed loses nothing by
    that; a machine that loses its power may lose the last trials, and never the database. While
    the run goes on, the files `-wal` and `-shm` beside the database are a part of it.

    SQLite maps `-shm` into memory. If the file system becomes read-only, the next write to a mapped
    page is no error that could be reported but a signal which ends the process. So before each
    statement we check whether that file can be written. If it cannot, the connections stay open
    until the process ends, because closing the last one writes there too; until then, the log's
    files stay as well.

    Args:
        file: The database; `None` for another storage, which has no such log.
        engines: Its connections.
    """

    file: Path | None = None
    engines: list[Engine] = field(default_factory=list)
    _opened: list[sqlite3.Connection] = field(default_factory=list, init=False, repr=False)

    def begin(self) -> None:
        """Begins the log."""
        for engine in self.engines:
            event.listen(engine, "connect", self._connected)
            event.listen(engine, "before_cursor_execute", self._check)
            engine.dispose()

    def fold(self) -> None:
        """Makes the database one plain file again, if a log was begun and it can be written."""
        if self._is_read_only:
            for connection in self._opened:
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))  # no end closes it
            return
        for engine in self.engines:
            if not event.contains(engine, "connect", self._connected):
                return
            event.remove(engine, "connect", self._connected)
            event.remove(engine, "before_cursor_execute", self._check)
            engine.dispose()
        self._opened.clear()
        if self.file is not None and self.file.is_file():
            with suppress(sqlite3.Error), closing(sqlite3.connect(self.file, FOLD_S)) as database:
                database.execute("PRAGMA journal_mode=DELETE")  # a reader may keep the log

    def _connected(self, connection: sqlite3.Connection, record: object) -> None:
        with suppress(sqlite3.OperationalError):  # locked just now: it is slower, and as right
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
        self._opened.append(connection)

    def _check(self, connection: Connection, cursor: object, statement: str, *_: object) -> None:
        if self._is_read_only:
            reason = sqlite3.OperationalError(f"{self.file} can no longer be written")
            raise OperationalError(statement, None, reason)

    @property
    def _is_read_only(self) -> bool:
        if self.file is None:
            return False
        shared = f"{self.file}-shm"
        return not os.access(shared, os.W_OK) and os.path.exists(shared)


def open_to_write(url: str) -> tuple[BaseStorage, WriteAheadLog]:
    """Opens a storage for the one process that writes to it, and its log, which is not begun.

    It has no cache: that process has in memory what it has written.

    Raises:
        StudyError: It cannot be opened.
    """
    file = sqlite_file(whole_url(url))
    if file is None or is_networked(file):
        return _opened(url, WAIT_S, writes=True), WriteAheadLog()
    log = WriteAheadLog(file)
    return _opened(url, WAIT_S, writes=True, made=log.engines.append), log


def _opened(
    url: str,
    timeout_s: float,
    *,
    writes: bool,
    made: Callable[[Engine], None] = lambda engine: None,
) -> BaseStorage:
    """A storage; a SQLite connection that only reads is not pooled, so it ends with each read."""
    whole, options = whole_url(url), dict[str, Any]()
    if whole.startswith("sqlite"):
        options = {"connect_args": {"timeout": timeout_s}, **({} if writes else UNPOOLED)}
    file = sqlite_file(whole)
    try:
        if file is not None and file.is_file():
            _check_structure(file)
        if whole.startswith(("sqlite", "mysql", "postgres")):
            backend = WholeTrials(whole, engine_kwargs=options)
            made(backend.engine)
            # To read, with one cache of finished trials.
            return backend if writes else optuna.storages.get_storage(backend)
        return optuna.storages.get_storage(whole)
    except DamageError:
        raise
    except Exception as error:  # whatever a database's driver raises: it is not known beforehand
        reason = without_secrets(reason_of(error), whole)
        if file is not None:
            reason += "; name a file that can be read and written, or one that is to be made"
        if HIDDEN in url and whole == without_password(url):
            reason += (
                f". Its password is not stored: set {STORAGE_VARIABLE} to the whole URL, give "
                "--storage, or use the driver's own means, such as PGPASSWORD or ~/.pgpass"
            )
        shown = public_url(url)
        raise StudyError(f"cannot open the storage {shown}: {reason}") from None


def _check_structure(file: Path) -> None:
    """Raises if a SQLite database is damaged: what it lacks would be missing without a word."""
    with closing(sqlite3.connect(file, FOLD_S)) as database:
        try:
            (state,), *_ = database.execute("PRAGMA integrity_check(1)").fetchall()
        except sqlite3.OperationalError:  # it is locked, or cannot be opened: whoever reads it sees
            return
        except sqlite3.DatabaseError as error:
            state = str(error)
    if state != "ok":
        raise DamageError(
            f"the database {file} is damaged ({' '.join(state.split())}): put a copy of it in its "
            "place, or delete it to start over"
        )


def whole_url(url: str) -> str:
    """The URL to connect by: that of the environment if `url` is the same with secrets hidden.

    Without such a variable, hidden secrets are left out, and the driver looks for them itself.
    """
    if HIDDEN not in url:
        return url
    known = os.environ.get(STORAGE_VARIABLE, "")
    return known if known and public_url(known) == url else without_password(url)


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database; `None` for other storages and for one in memory."""
    dialect, _, place = url.partition(":///")
    path = place.partition("?")[0].removeprefix("file:")
    in_file = dialect.partition("+")[0] == "sqlite" and path not in ("", ":memory:")
    return Path(path) if in_file else None


def is_networked(file: Path) -> bool:
    """Whether a file lies on another machine's file system."""
    parents = [str(parent) for parent in file.absolute().parents]
    mounts = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    kind = next((mounts[parent] for parent in parents if parent in mounts), "")
    return kind.lower().startswith(NETWORKED)


RESTORE = "Put back a copy of it, or start over with --fresh"


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Turns what a locked or damaged storage raises into one line.

    Args:
        what: What is read, for the message.

    Raises:
        StudyError: It could not be read.
    """
    try:
        yield
    except DamageError as error:
        raise DamageError(f"cannot read {what}: {error}. {RESTORE}") from error
    except AsymnasError:
        raise
    except Exception as error:  # what Optuna makes of damaged rows: of any type
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        raise StudyError(f"cannot read {what}: {reason_of(cause)}") from error


@contextmanager
def writable(url: str) -> Iterator[None]:
    """Turns what a storage raises when it cannot be written, as on a full disk, into one line.

    Args:
        url: The storage's, whose secrets are hidden.

    Raises:
        StudyError: It could not be written.
    """
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        reason = without_secrets(reason_of(cause), whole_url(url))
        raise StudyError(
            f"the study cannot be written: {reason}. What had finished is saved; mend this and run "
            "the command again"
        ) from None


@contextmanager
def quiet(level: int = optuna.logging.WARNING) -> Iterator[None]:
    """Keeps Optuna from logging less than a level, and gives the process its level back."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(before, level))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def reason_of(error: Exception) -> str:
    """The first line of an error's message, or its name if it has none."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__

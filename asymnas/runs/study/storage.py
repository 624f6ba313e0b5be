"""Opening Optuna storages, with their errors as one line that holds no password."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from sqlalchemy.exc import SQLAlchemyError

from asymnas.core.errors import StudyError
from asymnas.core.urls import HIDDEN, public_url, without_password, without_secrets

#: The environment variable that holds the whole URL of a storage whose password is not stored.
STORAGE_VARIABLE = "ASYMNAS_STORAGE"


def open_storage(url: str, *, timeout_s: float = 60) -> BaseStorage:
    """Opens a storage.

    Args:
        url: Optuna storage URL, or one that was stored with its password hidden.
        timeout_s: Seconds to wait for a SQLite database that another process has locked.

    Raises:
        StudyError: It cannot be opened.
    """
    whole = whole_url(url)
    timeout = {"connect_args": {"timeout": timeout_s}} if whole.startswith("sqlite") else {}
    try:
        if whole.startswith(("sqlite", "mysql", "postgres")):
            backend = optuna.storages.RDBStorage(whole, engine_kwargs=timeout)
            return optuna.storages.get_storage(backend)  # with one cache of finished trials
        return optuna.storages.get_storage(whole)
    except Exception as error:  # whatever a database's driver raises: it is not known beforehand
        reason = without_secrets(reason_of(error), whole)
        if HIDDEN in url and whole == without_password(url):
            reason += (
                f". Its password is not stored: set {STORAGE_VARIABLE} to the whole URL, give "
                "--storage, or use the driver's own means, such as PGPASSWORD or ~/.pgpass"
            )
        shown = public_url(url)
        raise StudyError(f"cannot open the storage {shown}: {reason}") from None


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
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError, ValueError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        raise StudyError(f"cannot read {what}: {reason_of(cause)}") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps Optuna from logging less than warnings, and gives the process its level back."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(before, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def reason_of(error: Exception) -> str:
    """The first line of an error's message, or its name if it has none."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__

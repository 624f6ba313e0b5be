"""Opening Optuna storages, with their errors as one line."""

from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from optuna.storages import BaseStorage
from sqlalchemy.exc import SQLAlchemyError

from asymnas.core.errors import StudyError


def open_storage(url: str, *, timeout_s: float = 60) -> BaseStorage:
    """Opens a storage.

    Args:
        url: Optuna storage URL.
        timeout_s: Seconds to wait for a SQLite database that another process has locked.

    Raises:
        StudyError: It cannot be opened.
    """
    timeout = {"connect_args": {"timeout": timeout_s}} if url.startswith("sqlite") else {}
    try:
        if url.startswith(("sqlite", "mysql", "postgres")):
            return optuna.storages.RDBStorage(url, engine_kwargs=timeout)
        return optuna.storages.get_storage(url)
    except Exception as error:  # whatever a database's driver raises: it is not known beforehand
        raise StudyError(f"cannot open the storage {url}: {reason_of(error)}") from error


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


def reason_of(error: Exception) -> str:
    """The first line of an error's message, or its name if it has none."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__

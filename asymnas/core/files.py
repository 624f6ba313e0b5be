"""Files that are written whole or not at all, paths as people write them, what a run looks like."""

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from asymnas.core.errors import PathError

DATABASE = "study.db"
STORAGE = "storage.json"  # where the study is, if not in the directory
DRAFT = re.compile(r"\..+\.[0-9a-f]{32}")  # what `whole_file` calls a file before it is whole
RUN_FOLDERS = ("best", "artifacts", "losses")  # what a run's directory holds besides files


def holds_run(directory: Path) -> bool:
    """Whether a run was started in a directory."""
    return (directory / STORAGE).is_file() or (directory / DATABASE).is_file()


def expanded(path: str | os.PathLike[str]) -> Path:
    """A path in which `~` is the home directory, and `~name` that of a user.

    Raises:
        PathError: There is no such directory to stand for it.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # Python's word for it
        raise PathError(
            f"there is no home directory to stand for ~ in {os.fspath(path)!r}: set HOME, or give "
            "the whole path"
        ) from error


def from_here(path: Path) -> Path:
    """A path as a person in the working directory would call it."""
    try:
        return path.absolute().relative_to(Path.cwd())
    except ValueError:
        return path


def with_home(url: str) -> str:
    """A SQLite URL with the home directory in place of a `~` that its path begins with.

    Raises:
        PathError: There is no such directory.
    """
    return re.sub(r"^(sqlite\S*?:///)(~[^?]*)", lambda m: m[1] + str(expanded(m[2])), url)


def write_whole(path: Path, content: bytes | str) -> None:
    """Writes a file whole or not at all, text as UTF-8: a crash leaves the old one."""
    with whole_file(path) as file:
        # names of files that are not UTF-8 are shown by their bytes, as \udce9
        text = content if isinstance(content, bytes) else content.encode(errors="backslashreplace")
        file.write(text)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Opens a draft that takes the file's place, synced to disk with its name, when the block ends.

    A block that raises leaves the old file and no draft. Concurrent writers of one file, in
    threads, processes or on other machines, do not mix: the last to end wins.

    Args:
        path: The file; its folder is made if missing.
    """
    made_folder(path.parent)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")  # as in `delete_drafts`
    try:
        with draft.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_names(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def delete_drafts(directory: Path) -> None:
    """Deletes what killed writers of whole files left in a run directory and its own folders.

    For a time at which nobody writes there.

    Args:
        directory: The run's.
    """
    folders = [directory, *(directory / name for name in RUN_FOLDERS)]
    for folder in (*folders, *(directory / "artifacts").glob("*/")):
        for path in folder.glob(".*"):
            if DRAFT.fullmatch(path.name):
                path.unlink(missing_ok=True)


def made_folder(folder: Path) -> None:
    """Makes a folder and those above it, where they are missing; all survive a loss of power.

    Raises:
        OSError: It cannot be made.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in missing:
        _sync_names(place.parent)


def _sync_names(folder: Path) -> None:
    """Waits until the names in a folder are on the disk: a renamed file has its new one only then.

    Systems and file systems that cannot do that do it by themselves, or not at all.
    """
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

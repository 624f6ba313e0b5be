"""Image files decoded once, into one file that every process reads its batches from.

The file is `images/<directory>-<which>-<state>.npy` under the data root, a NumPy array of uint8
`[n, c, h, w]`. `which` is a digest of the directory's path, the image size and `RULES`; `state`
one of the files' names, sizes and times of modification. So a changed directory gets a new file,
and the old one is deleted. A file that is replaced by one of its size under its old time is not
noticed: delete the cache then.

A small cache is mapped into memory. Of a greater one each batch is read: the pages of a map would
count towards every worker, until it holds the whole file.

A cache is written under another name and renamed when it is whole and on the disk. Processes that
build it at once write a draft each; the last one's stays, and it is the same.

Decision: docs/decisions/0013-images-are-decoded-once.md.
"""

import os
import re
import shutil
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from asymnas.core.errors import DataError
from asymnas.core.files import whole_file
from asymnas.core.text import one_line
from asymnas.data.examples import Rows
from asymnas.data.images.decode import read_images
from asymnas.data.images.stored import StoredRows

RULES = "1"  # raised when the same file is to become other pixels
MAPPED_BYTES = 128 * 2**20  # up to which a cache is mapped, which is faster for small images
PLAIN_EVERY = 15.0  # seconds between plain lines of progress
FORGOTTEN_AFTER = 3600.0  # seconds without growth after which a draft is a crashed process's


def cached_images(directory: Path, names: Sequence[str], size: int | None, root: Path) -> Rows:
    """Images as rows of their cache, uint8 `[n, c, h, w]`; decoded now unless that was done.

    Each is read when it is used, and the system's copy of the file is shared by all
    processes.

    Args:
        directory: Where the images are.
        names: At least one file, by its path from there.
        size: Height and width in pixels; `None` to keep the files' own, which must agree.
        root: Where the caches are, in `images/`.

    Raises:
        DataError: An unreadable image, or two unlike ones; a cache that cannot be read or written.
    """
    which = _digest([str(directory.resolve()), str(size), RULES])
    readable = re.sub(r"\W+", "-", directory.resolve().name)[:40]
    state = _digest(_states(directory, names))
    path = root / "images" / f"{readable}-{which}-{state}.npy"
    if not path.exists():
        _build(path, directory, names, size)
        for old in path.parent.glob(f"*-{which}-*.npy"):
            if old != path:
                old.unlink(missing_ok=True)
    return _opened(path, len(names), f"{RULES}-{state}")


def _states(directory: Path, names: Iterable[str]) -> Iterator[str]:
    """Name, size and time of each file."""
    for name in names:
        try:
            state = os.stat(os.path.join(directory, name))
        except OSError as error:
            raise DataError(
                f"{directory / name} is not a readable image ({error.strerror}): repair or remove "
                "it"
            ) from error
        yield f"{name}\0{state.st_size}\0{state.st_mtime_ns}"


def _digest(lines: Iterable[str]) -> str:
    digest = blake2b(digest_size=10)
    for line in lines:
        digest.update(os.fsencode(f"{line}\n"))
    return digest.hexdigest()


def _build(path: Path, directory: Path, names: Sequence[str], size: int | None) -> None:
    """Decodes all images into `path`, whole or not at all."""
    paths = [directory / name for name in names]
    with (
        closing(read_images(paths, size)) as images,
        closing(_shown(images, len(names), "decoding images")) as pieces,
        _draft(path) as file,
    ):
        first = next(pieces)
        _check_space(path.parent, len(names) * first[0].nbytes, directory)
        shape = (len(names), *first.shape[1:])
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for piece in chain([first], pieces):
            file.write(piece.data)  # not through a map: there a full disk ends the process


@contextmanager
def _draft(path: Path) -> Iterator[IO[bytes]]:
    """A file that becomes `path` if all goes well, and is deleted otherwise."""
    try:
        _forget_drafts(path.parent)
        with whole_file(path) as file:
            yield file
    except OSError as error:
        raise DataError(
            f"cannot write the cache of decoded images {path} ({error.strerror or error}): make "
            "space, or pass --data-root DIR of another place"
        ) from error


def _forget_drafts(folder: Path) -> None:
    """Deletes what crashed processes left behind."""
    for draft in folder.glob(".*.npy.*"):
        with suppress(OSError):  # gone, or another user's
            if time.time() - draft.stat().st_mtime > FORGOTTEN_AFTER:
                draft.unlink()


def _check_space(folder: Path, needed: int, directory: Path) -> None:
    """Raises if the disk is too full, before much is decoded."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"the decoded images of {directory} take {_amount(needed)} but {folder} has "
            f"{_amount(free)} free: make space, pass --data-root DIR of another place, or a "
            "smaller --image-size"
        )


def _amount(size: int) -> str:
    """Bytes as a person reads them."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


def _opened(path: Path, n: int, state: str) -> Rows:
    """A whole cache of `n` images in a state; nothing that is done to them reaches the file."""
    try:
        images: Any = np.load(path, mmap_mode="c")  # a private map, which torch takes unwarned
        if images.dtype != np.uint8 or images.ndim != 4 or len(images) != n:
            raise ValueError("it holds something else")
        if images.nbytes > MAPPED_BYTES and hasattr(os, "preadv"):  # not on every system
            return StoredRows(path, images.shape, images.offset, state=state)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"the cache of decoded images {path} cannot be read ({one_line(error)}): delete it, "
            "and it is decoded again"
        ) from error
    return torch.from_numpy(images)


def _shown(
    pieces: Iterable[NDArray[Any]], total: int, what: str
) -> Generator[NDArray[Any], None, None]:
    """Passes pieces `[k, ...]` on: a bar on a terminal, a line now and then elsewhere.

    Args:
        pieces: What is being read, piece by piece.
        total: Entries of all pieces together.
        what: What is going on ("decoding images").
    """
    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done, last = 0, time.monotonic()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=total)
        for piece in pieces:
            yield piece
            done += len(piece)
            bar.update(task, completed=done)
            if not console.is_terminal and time.monotonic() - last >= PLAIN_EVERY:
                last = time.monotonic()
                console.print(f"{what}: {done:,} of {total:,}", soft_wrap=True, highlight=False)

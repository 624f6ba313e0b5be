"""Image files decoded once, into one file that every process reads its batches from.

The file is `images/<directory>-<which>-<state>.npy` under the data root, a NumPy array of uint8
`[n, c, h, w]`; beside it `….json` says what there is to note of the images. `which` is a digest of
the directory's path, the image size and `RULES`; `state` one of the files' names, sizes and times
of modification. So a changed directory gets a new file, and the old one is deleted. A file that is
replaced by one of its size under its old time is not noticed: delete the cache then.

A small cache is mapped into memory. Of a greater one each batch is read: the pages of a map would
count towards every worker, until it holds the whole file.

A cache is written under another name and renamed when it is whole and on the disk. Processes that
build it at once write a draft each; the last one's stays, and it is the same.

Decision: docs/decisions/0013-images-are-decoded-once.md.
"""

import json
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from torch import Tensor

from asymnas.core.errors import DataError
from asymnas.core.files import whole_file, write_whole
from asymnas.core.terminal import Terminal
from asymnas.core.text import bytes_in_words, one_line, plural
from asymnas.data.examples import Rows
from asymnas.data.images.decode import DEEPEST, Pictures, read_images
from asymnas.data.images.stored import StoredRows
from asymnas.data.memory import check_memory
from asymnas.data.scaling import full_scale

CACHES = "images"  # under the data root
RULES = "2"  # raised when the same file is to become other pixels
WHITE = 255
DARK = 127  # what the greatest value is at most where images use few of their values
MAPPED_BYTES = 128 * 2**20  # up to which a cache is mapped, which is faster for small images
PLAIN_EVERY = 15.0  # seconds between plain lines of progress
STRETCHED = 2**20  # bytes at a time
FORGOTTEN_AFTER = 3600.0  # seconds without growth after which a draft is a crashed process's


class CachedImages(NamedTuple):
    """Images as rows of their cache, each read when it is used.

    Args:
        rows: uint8 `[n, c, h, w]`; the system's copy of the file is shared by all processes. Of
            files with 16 bits float32, value / `full`, in memory.
        white: What became 255 of the values in the files: 1 where all are masks, else 255.
        full: What became 1 of the values in files with 16 bits; 0 of others.
        notes: How they were read, in words.
    """

    rows: Rows
    white: int
    full: int
    notes: tuple[str, ...]


def cached_images(
    directory: Path, names: Sequence[str], size: int | None, root: Path
) -> CachedImages:
    """Images as rows of their cache; decoded now unless that was done.

    Where all values are 0 and 1, as in masks, 1 becomes 255, which the network sees as 1.

    Args:
        directory: Where the images are.
        names: At least one file, by its path from there.
        size: Height and width in pixels; `None` to keep the files' own, which must agree.
        root: Where the caches are, in `images/`.

    Raises:
        DataError: An unreadable image, or two unlike ones; images of one value throughout; a cache
            that cannot be read or written.
    """
    which = _digest([str(directory.resolve()), str(size), RULES])
    readable = re.sub(r"\W+", "-", directory.resolve().name)[:40]
    state = _digest(_states(directory, names))
    path = root / CACHES / f"{readable}-{which}-{state}.npy"
    if not (path.exists() and _facts(path).exists()):
        _build(path, directory, names, size)
        for old in path.parent.glob(f"*-{which}-*.npy"):
            if old != path:
                old.unlink(missing_ok=True)
                _facts(old).unlink(missing_ok=True)
    rows, facts = _read(path, len(names), f"{RULES}-{state}")
    least, greatest = facts["least"], facts["greatest"]
    if least == greatest:
        raise DataError(
            f"every pixel of the {plural(len(names), 'image')} of {directory} is {least}: nothing "
            "can be learnt; add others"
        )
    remarks = _remarks(facts["remarks"])
    if isinstance(rows, Tensor) and rows.dtype != torch.uint8:
        full, note = full_scale(greatest)
        return CachedImages(rows / full, WHITE, full, (note, *remarks))
    white = 1 if greatest == 1 else WHITE
    return CachedImages(rows, white, 0, (*_range_notes(greatest), *remarks))


def _facts(path: Path) -> Path:
    """Where the facts of a cache are."""
    return path.with_suffix(".json")


def _range_notes(greatest: int) -> list[str]:
    """What is to be noted of the range of the values as they are in the files."""
    if greatest == 1:
        return ["all pixels are 0 and 1, which are read as black and white"]
    if greatest <= DARK:
        seen = f"{greatest / WHITE:.2g}"
        return [f"no pixel is above {greatest} of {WHITE}: images are read as 0 to {seen}"]
    return []


def _remarks(counts: Mapping[str, int]) -> list[str]:
    """How many files were read in a way of their own."""
    return [f"{plural(count, 'image')} {what}" for what, count in sorted(counts.items())]


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
        _check_space(path.parent, len(names) * first.pixels[0].nbytes, directory)
        shape = (len(names), *first.pixels.shape[1:])
        kind = np.lib.format.dtype_to_descr(first.pixels.dtype)
        header = {"descr": kind, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        least, greatest, remarks = DEEPEST, 0, Counter[str]()
        start = file.tell()
        for pixels, remarked in chain([first], pieces):
            file.write(pixels.data)  # not through a map: there a full disk ends the process
            least, greatest = min(least, int(pixels.min())), max(greatest, int(pixels.max()))
            remarks += remarked
        if (least, greatest) == (0, 1) and first.pixels.dtype == np.uint8:
            _stretch(file, start)
        facts = {"least": least, "greatest": greatest, "remarks": remarks}
        write_whole(_facts(path), json.dumps(facts))


def _stretch(file: IO[bytes], start: int) -> None:
    """Makes every 1 from a position on white."""
    file.seek(start)
    while part := file.read(STRETCHED):
        file.seek(-len(part), os.SEEK_CUR)
        file.write(part.replace(b"\x01", bytes([WHITE])))


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
            f"the decoded images of {directory} take {bytes_in_words(needed)} but {folder} has "
            f"{bytes_in_words(free)} free: make space, pass --data-root DIR of another place, or a "
            "smaller --image-size"
        )


def _read(path: Path, n: int, state: str) -> tuple[Tensor | StoredRows, dict[str, Any]]:
    """A whole cache of `n` images in a state; nothing that is done to them reaches the file."""
    try:
        facts: dict[str, Any] = json.loads(_facts(path).read_bytes())
        images: Any = np.load(path, mmap_mode="c")  # a private map, which torch takes unwarned
        if images.dtype not in (np.uint8, np.uint16) or images.ndim != 4 or len(images) != n:
            raise ValueError("it holds something else")
        if images.dtype == np.uint16:
            check_memory(path, 4 * images.size)
            return torch.from_numpy(images.astype(np.float32)), facts
        if images.nbytes > MAPPED_BYTES and hasattr(os, "preadv"):  # not on every system
            return StoredRows(path, images.shape, images.offset, state=state), facts
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"the cache of decoded images {path} cannot be read ({one_line(error)}): delete it, "
            "and it is decoded again"
        ) from error
    return torch.from_numpy(images), facts


def _shown(pieces: Iterable[Pictures], total: int, what: str) -> Generator[Pictures, None, None]:
    """Passes pieces on: a bar on a terminal, a line now and then elsewhere.

    Args:
        pieces: What is being read, piece by piece.
        total: Entries of all pieces together.
        what: What is going on ("decoding images").
    """
    console = Terminal(stderr=True)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done, last = 0, time.monotonic()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=total)
        for piece in pieces:
            yield piece
            done += len(piece.pixels)
            bar.update(task, completed=done)
            if not console.is_terminal and time.monotonic() - last >= PLAIN_EVERY:
                last = time.monotonic()
                console.print(f"{what}: {done:,} of {total:,}")

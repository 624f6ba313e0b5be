"""The files of a data set's directory: links followed once, what is no data left out and counted.

* Every directory and every file is taken once. A link is followed; one that leads to what is there
  already, or back to where it lies, is left out. So links cannot loop, and no example is in two
  splits because it can be reached on two ways.
* Hidden files and directories, those of systems and viewers, and what asymnas wrote are no data.
* Files of other formats are counted.
"""

import os
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from asymnas.core.errors import DataError
from asymnas.core.files import RUN_FOLDERS, holds_run
from asymnas.core.text import listed

#: Directories, in lower case, that systems and viewers make beside a person's own.
SYSTEM = frozenset(
    {
        "__macosx",
        "@eadir",
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "system volume information",
        "lost+found",
        "__pycache__",
        "thumbnails",
        "thumbs",
        "_thumbs",
    }
)

Parts = tuple[str, ...]  # of a path from the directory


class Listing(NamedTuple):
    """What a directory holds.

    Args:
        files: Those of the wanted formats, in sorted order.
        folders: All directories but those in which something of asymnas lies.
        left_out: What was left out, in words.
    """

    files: list[Parts]
    folders: list[Parts]
    left_out: tuple[str, ...]


def list_files(
    directory: Path, suffixes: Sequence[str], *, without: Collection[Path] = ()
) -> Listing:
    """Lists the files below a directory, at any depth.

    Args:
        directory: Where to begin.
        suffixes: What the names of wanted files end with, in lower case.
        without: Directories that are no data, wherever they are.

    Raises:
        DataError: A directory that cannot be read.
    """
    walk = _Walk(directory, suffixes, without)
    walk.follow()
    return walk.listing()


class _Walk:
    """One walk through a directory: what was seen so far."""

    def __init__(self, root: Path, suffixes: Sequence[str], without: Collection[Path]) -> None:
        self._root, self._suffixes = root, tuple(suffixes)
        self._own_places = {os.path.realpath(place) for place in without}
        self._seen: set[str] = set()  # real paths of directories
        self._files: dict[Parts, str] = {}  # with the real path of the directory
        self._folders: list[Parts] = []
        self._links: deque[Parts] = deque()
        self._file_links: list[Parts] = []
        self._left_out: dict[str, list[str]] = defaultdict(list)
        self._own: list[Parts] = []
        self._formats: Counter[str] = Counter()

    def follow(self) -> None:
        """Walks what is really there, then through links, in sorted order."""
        self._visit((), os.path.realpath(self._root))
        while self._links:
            link = self._links.popleft()
            target = os.path.realpath(self._root.joinpath(*link))
            around = os.path.realpath(self._root.joinpath(*link[:-1]))
            if target in self._seen or around.startswith(target.rstrip(os.sep) + os.sep):
                self._leave_out("links to what is there already", link)
            else:
                self._folders.append(link)
                self._visit(link, target)
        there = {os.path.join(real, parts[-1]) for parts, real in self._files.items()}
        for link in sorted(self._file_links):
            target = os.path.realpath(self._root.joinpath(*link))
            if target in there:
                self._leave_out("links to what is there already", link)
            else:
                there.add(target)
                self._files[link] = target

    def listing(self) -> Listing:
        """What was found."""
        around_own = {own[:n] for own in self._own for n in range(1, len(own) + 1)}
        notes = [
            f"left out, {what}: {listed(sorted(names))}"
            for what, names in sorted(self._left_out.items())
        ]
        if self._formats:
            ordered = sorted(self._formats.items(), key=lambda item: (-item[1], item[0]))
            counts = [f"{count:,} {name}" for name, count in ordered]
            notes.append(f"files of other formats left out: {listed(counts)}")
        folders = [parts for parts in self._folders if parts not in around_own]
        return Listing(sorted(self._files), sorted(folders), tuple(notes))

    def _visit(self, parts: Parts, real: str) -> None:
        """Takes in a directory and the real ones below it; links are kept for later."""
        waiting = [(parts, real)]
        while waiting:
            parts, real = waiting.pop()
            if real in self._seen:
                self._leave_out("links to what is there already", parts)
                continue
            self._seen.add(real)
            below = self._root.joinpath(*parts)
            is_run = holds_run(below)
            if parts and (is_run or real in self._own_places):
                self._leave_out("written by asymnas", parts)
                self._own.append(parts)
                continue
            for entry in self._entries(below):
                name = (*parts, entry.name)
                if not _is_directory(entry):
                    self._take_file(name, real, entry)
                elif entry.name.lower() in SYSTEM:
                    self._leave_out("of the system or a viewer", name)
                elif is_run and entry.name in RUN_FOLDERS:
                    self._leave_out("written by asymnas", name)
                    self._own.append(name)
                elif entry.is_symlink():
                    self._links.append(name)
                else:
                    self._folders.append(name)
                    waiting.append((name, os.path.join(real, entry.name)))

    def _entries(self, place: Path) -> Iterator[os.DirEntry[str]]:
        """What lies in a directory and is not hidden, by name."""
        try:
            with os.scandir(place) as entries:
                shown = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            raise DataError(
                f"{place} cannot be read ({error.strerror or error}): make it readable, or move it "
                f"out of {self._root}"
            ) from error
        yield from sorted(shown, key=lambda entry: entry.name)

    def _take_file(self, parts: Parts, real: str, entry: os.DirEntry[str]) -> None:
        if parts[-1].lower().endswith(self._suffixes):
            if entry.is_symlink() and not _is_special(entry):
                self._file_links.append(parts)
            elif entry.is_file():
                self._files[parts] = real
            else:
                self._leave_out("no files", parts)
        elif entry.is_symlink() and not os.path.exists(entry.path):
            self._leave_out("links that lead nowhere", parts)
        else:
            suffix = os.path.splitext(parts[-1])[1].lower()
            self._formats[suffix or "without a suffix"] += 1

    def _leave_out(self, what: str, parts: Parts) -> None:
        self._left_out[what].append(os.path.join(*parts))


def _is_directory(entry: os.DirEntry[str]) -> bool:
    """Whether it is one, or a link to one; a link to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_special(entry: os.DirEntry[str]) -> bool:
    """Whether a link leads to what is there and no file, such as a pipe, which never ends."""
    return os.path.exists(entry.path) and not os.path.isfile(entry.path)

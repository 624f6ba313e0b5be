"""A loss of power, after which files and a study are what a disk had of them."""

import copy
import os
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import optuna
import pytest
from memory_storage import MemoryStorage

from asymnas.core.files import DATABASE, DRAFT

RUNNING = optuna.trial.TrialState.RUNNING
NOT_SYNCED = (DATABASE, ".lock")  # how names of files end whose content is not asked for


@dataclass(frozen=True)
class _Change:
    """A change of names in a folder, and how it is undone."""

    folder: Path
    undo: Callable[[], None]


class Power:
    """What a disk keeps when the power is lost.

    A file's content is on the disk once the file is synced. New, moved and deleted names are once
    their folder is, and of those that are not, the disk may have a part, in their order. A study's
    last commits are not waited for: it may be as it was some writes ago.

    Args:
        random: Decides what the disk has.
        directory: The run's; files elsewhere are kept.
        study_at: The write to the study from which on all are lost; `None` to lose none.

    Attributes:
        torn: Files with a name of their own, not a draft's, of which a part was lost.
        in_training: Trials that the study, as it was before, has in training: their checkpoints may
            be gone.
    """

    def __init__(self, random: Random, directory: Path, study_at: int | None) -> None:
        self._random, self._directory, self._study_at = random, directory, study_at
        self.torn: list[str] = []
        self.in_training = 0
        self._synced = set[int]()  # inodes
        self._changes: list[_Change] = []
        self._lock = threading.Lock()
        self._before: tuple[MemoryStorage, dict[str, Any]] | None = None
        for path in directory.rglob("*"):  # what an earlier start left
            self._keep(path)

    def about_to_write(self, study: MemoryStorage, number: int) -> None:
        """Takes in a write to the study, before it is made.

        Args:
            study: Where.
            number: Which of all writes of the process it is, from 1.
        """
        lost = self._study_at is not None and number >= self._study_at
        if lost and self._before is None and study.get_all_studies():
            self._before = study, vars(copy.deepcopy(study))

    def lose(self) -> None:
        """The power is lost: nothing that the disk does not have is left."""
        by_folder = defaultdict[Path, list[_Change]](list)
        for change in self._changes:
            by_folder[change.folder].append(change)
        undone = [
            change
            for changes in by_folder.values()
            for change in changes[self._random.randint(0, len(changes)) :]
        ]
        for change in reversed(self._changes):
            if change in undone:
                change.undo()
        for path in sorted(self._directory.rglob("*")):
            asked = path.is_file() and not path.name.endswith(NOT_SYNCED)
            if asked and path.stat().st_ino not in self._synced:
                content = path.read_bytes()
                path.write_bytes(content[: self._random.randint(0, len(content))])
                self.torn += [] if DRAFT.fullmatch(path.name) else [path.name]
        if self._before is not None:
            study, state = self._before
            vars(study).update(state)
            (only,) = study.get_all_studies()
            running = study.get_all_trials(only._study_id, deepcopy=False, states=(RUNNING,))
            self.in_training = len(running)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within the context, it knows of all changes to files."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(os, "fsync", self._sync)
            for owner, name, watched in (
                (os, "mkdir", self._mkdir),
                (Path, "replace", self._replace),
                (Path, "unlink", self._unlink),
                (shutil, "rmtree", self._rmtree),
            ):
                patched.setattr(owner, name, watched(getattr(owner, name)))
            yield

    def _keep(self, path: Path) -> None:
        self._synced.add(path.stat().st_ino)

    def _sync(self, descriptor: int) -> None:
        """In place of `os.fsync`, which takes longer."""
        place = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if place.is_dir():
            with self._lock:
                self._changes = [change for change in self._changes if change.folder != place]
        else:
            self._synced.add(os.fstat(descriptor).st_ino)

    def _change(self, folder: Path, undo: Callable[[], None]) -> None:
        if folder.is_relative_to(self._directory):
            with self._lock:
                self._changes.append(_Change(folder, undo))

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._keep(path)

    def _mkdir(self, real: Callable[..., None]) -> Callable[..., None]:
        rmtree = shutil.rmtree

        def mkdir(path: str | Path, *arguments: Any, **options: Any) -> None:
            real(path, *arguments, **options)
            self._change(Path(path).parent, lambda: rmtree(path, ignore_errors=True))

        return mkdir

    def _replace(self, real: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        unlink = Path.unlink

        def replace(path: Path, target: Path) -> Path:
            before = target.read_bytes() if target.exists() else None
            if before is not None:
                self._synced.discard(target.stat().st_ino)

            def undo() -> None:
                if target.exists():
                    self._write(path, target.read_bytes())
                    unlink(target)
                if before is not None:
                    self._write(target, before)

            done = real(path, target)
            self._change(target.parent, undo)
            return done

        return replace

    def _unlink(self, real: Callable[..., None]) -> Callable[..., None]:
        def unlink(path: Path, missing_ok: bool = False) -> None:
            before = path.read_bytes() if path.exists() else None
            if before is not None:
                self._synced.discard(path.stat().st_ino)
            real(path, missing_ok=missing_ok)
            if before is not None:
                self._change(path.parent, lambda: self._write(path, before))

        return unlink

    def _rmtree(self, real: Callable[..., None]) -> Callable[..., None]:
        def rmtree(folder: str | Path, *arguments: Any, **options: Any) -> None:
            content = {p: p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}

            def undo() -> None:
                for path, before in content.items():
                    self._write(path, before)

            real(folder, *arguments, **options)
            self._change(Path(folder).parent, undo)

        return rmtree

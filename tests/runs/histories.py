"""Random histories of a small search: starts that are killed or fail, workers that break.

A seed gives one history. After it, one start without faults has to end with the trials and the
files of a search that nothing happened to.
"""

from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random

import pandas as pd

from asymnas.core import columns as t
from asymnas.core.errors import AsymnasError, CheckpointError, WorkerError
from asymnas.runs.directory import CHECKPOINTS
from asymnas.runs.plan import SearchPlan
from asymnas.training.rung import Job, RungResult

from .conftest import executed
from .faults import Faults, Killed, at, broken, faults, files, full, killed
from .made_results import Made, made_result

MOST_STARTS = 10
WRITES = 160  # about as many as a search makes
BREAKING = 0.05  # rungs whose worker breaks, once
KINDS = ((killed, False), (killed, False), (full, False), (full, True), (broken, False))


class Unreliable(Made):
    """Trains as `Made` does, but that some workers break, and that checkpoints are read.

    Args:
        random: Decides which rungs' workers break.
        breaking: The part of them.
    """

    def __init__(self, random: Random, breaking: float) -> None:
        super().__init__(self._trained)
        self._random, self._breaking = random, breaking
        self._broken = set[tuple[str, int]]()
        self.lost = self.broken = 0

    def _trained(self, job: Job) -> RungResult:
        rung = job.architecture.key(), job.until
        if rung not in self._broken and self._random.random() < self._breaking:
            self._broken.add(rung)
            self.broken += 1
            raise WorkerError("a worker ended", workers=("one",))
        if job.checkpoint is not None and job.checkpoint.read_bytes() != b"made":
            self.lost += 1
            raise CheckpointError(f"{job.checkpoint} is damaged")
        return made_result(job)


class History:
    """What happens to a search, by a seed.

    Args:
        seed: Of the history.
        plan: The search.
        directory: A folder of its own.
    """

    def __init__(self, seed: int, plan: SearchPlan, directory: Path) -> None:
        self.seed, self._random, self._plan = seed, Random(seed), at(plan, directory)
        self._run_dir = Path(self._plan.config.run_dir)
        self.events: list[str] = []
        self.rungs = Counter[tuple[str, int]]()
        self.starts = self.lost = self.broken = 0

    def happen(self) -> tuple[pd.DataFrame, set[str]]:
        """All of it, then a start without faults.

        Returns:
            The trial table, and the files of the run directory.
        """
        for _ in range(self._random.randint(1, MOST_STARTS)):
            if self._start(self._fault()):
                break
            self._between_starts()
        if not self._start(Faults(None, killed), reliable=True):
            raise AssertionError("the search did not end")
        return self._table, files(self._plan)

    def _fault(self) -> Faults:
        error, lasting = self._random.choice(KINDS)
        number = self._random.randint(1, WRITES)
        self.events.append(f"{error.__name__}{' from' if lasting else ''} at write {number}")
        return Faults(number, error, lasting=lasting)

    def _start(self, found: Faults, *, reliable: bool = False) -> bool:
        executor = Unreliable(self._random, breaking=0.0 if reliable else BREAKING)
        ended = False
        with faults(found), suppress(Killed, AsymnasError, OSError):
            run, ending = executed(self._plan, executor)
            ended = ending == "finished"
            self._table = run.table.drop(columns=[t.SECONDS])
        self.starts += 1
        self.rungs.update((job.architecture.key(), job.until) for job in executor.jobs)
        self.lost += executor.lost
        self.broken += executor.broken
        return ended

    def _between_starts(self) -> None:
        """Now and then a checkpoint is deleted, or what it holds is no checkpoint any more."""
        paths = sorted((self._run_dir / CHECKPOINTS).glob("trial_*.pt"))
        if not paths or self._random.random() > 0.2:
            return
        path = self._random.choice(paths)
        if self._random.random() < 0.5:
            path.unlink()
            self.events.append(f"{path.name} is deleted")
            self.lost += 1
        else:
            path.write_bytes(b"damaged")
            self.events.append(f"{path.name} is damaged")


def problem_of(history: History, whole: pd.DataFrame, names: set[str]) -> str | None:
    """What is wrong after a history; `None` if nothing is.

    Args:
        history: It happens now.
        whole: The table of a search that nothing happened to.
        names: Its files.
    """
    try:
        table, left = history.happen()
        pd.testing.assert_frame_equal(table, whole)
        assert left <= names, f"files are left: {left - names}"
        own = sum(len(curve) for curve in whole[t.CURVE])
        most = own + history.starts + history.broken + 4 * history.lost
        trained = sum(history.rungs.values())
        assert trained <= most, f"{trained} rungs were trained, {own} are enough"
    except Exception as error:  # whatever it is, it is a fault with a seed
        happened = "; ".join(history.events)
        return f"seed {history.seed} ({happened}): {type(error).__name__}: {str(error)[:300]}"
    return None

"""Random histories of a small search: starts that are killed or fail, workers that break or hang.

A seed gives one history. After it, one start without faults has to end with the trials and the
files of a search that nothing happened to.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from random import Random

import pandas as pd
import pytest

from asymnas.core import columns as t
from asymnas.core.errors import AsymnasError
from asymnas.runs.directory import CHECKPOINTS
from asymnas.runs.plan import SearchPlan

from .conftest import executed
from .database_leases import STALE, UnreliableLease, row_of
from .faults import Faults, Killed, at, broken, faults, files, full, killed, power_lost, refused
from .power import Power
from .scripted_workers import Clock, Script, scripted

MOST_STARTS = 10
WRITES = 160  # about as many as a search makes
MOST_REFUSED = 40  # writes, until a database that does not answer does so again
MOST_SLOW = 5  # writes
SLOWEST_S = 3_000.0  # that a write takes
MOST_UNSAVED = 30  # writes to the study that a loss of power undoes
TROUBLED = 0.08  # rungs that break their worker, or on which it hangs or is late, once per start
PACES = (1e-8, 5e-7)  # seconds per unit of work: rungs of about one second, and of fifty
ON_SERVER = 0.25  # histories whose lease is a row of a database
LOST = 0.2  # of their starts, in which another process takes the lease


def slow(name: str) -> None:
    """A disk that answers late: the clock goes on meanwhile."""


KINDS = (
    *((killed, 1), (killed, 1), (full, 1), (full, math.inf), (broken, 1)),
    (refused, MOST_REFUSED),
    *((power_lost, 1), (power_lost, 1), (slow, MOST_SLOW)),
)


class History:
    """What happens to a search, by a seed.

    Args:
        seed: Of the history.
        plan: The search.
        directory: A folder of its own.

    Attributes:
        events: What has happened, in order.
        starts: How many there were.
        rungs: How many were begun, in all starts.
        lost: Checkpoints that were lost.
        unsaved: Writes to the study that were lost with the power.
        troubles: Rungs that came to nothing, of which the workers were the cause.
        wrong: What workers saw that was not right.
    """

    def __init__(self, seed: int, plan: SearchPlan, directory: Path) -> None:
        self.seed, self._random, self._plan = seed, Random(seed), at(plan, directory)
        self._run_dir = Path(self._plan.config.run_dir)
        self._refused = 0  # writes that a database will not take yet
        self._workers = self._random.choice((1, 2))
        self._pace = self._random.choice(PACES)
        on_server = self._random.random() < ON_SERVER
        directory.mkdir()
        self._row = f"sqlite:///{directory / 'lease.db'}" if on_server else ""
        self._left = False  # whether the row is another holder's
        self.events: list[str] = []
        self.wrong: list[str] = []
        self.rungs = self.starts = self.lost = self.unsaved = self.troubles = 0

    def happen(self) -> tuple[pd.DataFrame, set[str]]:
        """All of it, then a start without faults.

        Returns:
            The trial table, and the files of the run directory.
        """
        for _ in range(self._random.randint(1, MOST_STARTS)):
            if self._start(self._fault()):
                break
            self._between_starts()
        self._make_stale()
        if not self._start(Faults(None, killed), reliable=True):
            raise AssertionError("the search did not end")
        return self._table, files(self._plan)

    def _fault(self) -> Faults:
        if self._refused:
            return Faults(1, refused, times=self._refused)
        error, times = self._random.choice(KINDS)
        number = self._random.randint(1, WRITES)
        power = None
        if error is refused:
            times = self._refused = self._random.randint(1, MOST_REFUSED)
        if error is slow:
            times = self._random.randint(1, MOST_SLOW)
        if error is power_lost:
            unsaved = self._random.choice((0, self._random.randint(1, MOST_UNSAVED)))
            self.unsaved += unsaved
            study_at = max(1, number - unsaved) if unsaved else None
            power = Power(Random(self._random.random()), self._run_dir, study_at)
        lasting = {1: "", math.inf: " and from then on"}.get(times, f" and until {times} later")
        self.events.append(f"{error.__name__} at write {number}{lasting}")
        if error is slow:
            seconds = self._random.uniform(0, SLOWEST_S)
            return Faults(number, lambda name: self._pass(seconds), times=times)
        return Faults(number, error, times=times, power=power)

    def _start(self, found: Faults, *, reliable: bool = False) -> bool:
        """Whether a start finished the search."""
        clock = Clock(Random(self._random.random()), now=self._random.uniform(0, 1e6))
        self._clock = clock
        script = Script(self._random, clock, self._pace, 0.0 if reliable else TROUBLED)
        wall = Random(self._random.random())
        ended = False
        power = found.power
        with (
            power.watched() if power is not None else nullcontext(),
            self._lease(found, reliable=reliable),
            scripted(script, self._workers, wall) as pool,
            faults(found),
            suppress(Killed, AsymnasError, OSError),
        ):
            run, ending = executed(self._plan, pool)
            ended = ending == "finished"
            self._table = run.table.drop(columns=[t.SECONDS])
        if power is not None and found.killed:
            power.lose()
            self.lost += power.in_training
            self.wrong += [f"{name} was not whole" for name in power.torn]
        self._refused = max(0, self._refused - found.failed)
        self.starts += 1
        self.rungs += len(script.begun)
        self.lost += script.lost
        self.troubles += len(script.troubles)
        self.wrong += script.wrong
        self.events += script.troubles
        return ended

    def _pass(self, seconds: float) -> None:
        """Time in which the coordinator waits for a write."""
        self._clock.now += seconds

    @contextmanager
    def _lease(self, found: Faults, *, reliable: bool) -> Iterator[None]:
        """Within the context, the study's lease is where the history has it."""
        if not self._row:
            yield
            return
        losing = not reliable and self._random.random() < LOST
        lost_at = self._random.randint(1, 20) if losing else None
        lease = UnreliableLease(self._row, "a study", found, lost_at)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("asymnas.runs.study.opening.lease_of", lambda storage, name: lease)
            yield
        if lease.left:
            self._left = True
            self.events.append("the lease is left behind")

    def _make_stale(self) -> None:
        """Lets time pass, until a lease that was left behind is stale."""
        if self._left:
            row_of(self._row, **STALE)
            self._left = False

    def _between_starts(self) -> None:
        """Now and then a checkpoint is deleted, or what it holds is no checkpoint any more."""
        if self._random.random() < 0.5:
            self._make_stale()
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
        assert not history.wrong, "; ".join(history.wrong)
        own = sum(len(curve) for curve in whole[t.CURVE])
        most = own + history.starts + history.troubles + 4 * history.lost + history.unsaved
        assert history.rungs <= most, f"{history.rungs} rungs were trained, {own} are enough"
    except Exception as error:  # whatever it is, it is a fault with a seed
        happened = "; ".join(history.events)
        return f"seed {history.seed} ({happened}): {type(error).__name__}: {str(error)[:300]}"
    return None

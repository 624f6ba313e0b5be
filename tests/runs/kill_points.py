"""A small run that is killed, or fails, at each of its writes, and is then started again.

Writes are those to the study and those to files: made, synced, renamed, deleted. A kill stops all
that would come after it, what cleans up too; the operating system frees the lock. A failed write
raises what a full disk does, once or from then on, or a broken one.
"""

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from asymnas.core import columns as t
from asymnas.core.errors import AsymnasError
from asymnas.runs.plan import Plan

from .conftest import executed
from .faults import Faults, Killed, at, broken, faults, files, full, killed
from .made_results import Made

KINDS = {
    "killed": (killed, 1),
    "full once": (full, 1),
    "full": (full, math.inf),
    "broken": (broken, 1),
}


def result(plan: Plan, executor: Made) -> pd.DataFrame:
    """The table of a run that ends by itself."""
    run, ending = executed(plan, executor)
    assert ending == "finished"
    return run.table.drop(columns=[t.SECONDS])


@dataclass(frozen=True)
class Whole:
    """A run that nothing happens to.

    Args:
        plan: What it runs, in any directory.
        made: Makes an executor of a start.
        table: Its trials.
        files: What it leaves in its directory.
        writes: The names of its writes, in order.
    """

    plan: Plan
    made: Callable[[], Made]
    table: pd.DataFrame
    files: set[str]
    writes: list[str]


def whole_of(plan: Plan, made: Callable[[], Made], directory: Path) -> Whole:
    """Runs a plan, and counts its writes."""
    own = at(plan, directory)
    with faults(Faults(None, killed)) as none:
        table = result(own, made())
    return Whole(plan, made, table, files(own), none.writes)


def started_again(
    plan: Plan, found: Faults, made: Callable[[], Made] = Made
) -> tuple[pd.DataFrame, int]:
    """The table of a run that a fault ended and another start finished, and rungs trained."""
    first, second = made(), made()
    with faults(found), suppress(Killed, AsymnasError, OSError):
        result(plan, first)
    table = result(plan, second)
    return table, len(first.jobs) + len(second.jobs)


def check(kind: str, whole: Whole, numbers: Iterable[int], directory: Path) -> None:
    """Starts a run per number, with a fault at that write, and once more without.

    Raises:
        AssertionError: It did not end as the whole one; with all numbers at which it did not.
    """
    error, times = KINDS[kind]
    rungs = sum(len(curve) for curve in whole.table[t.CURVE])
    wrong = []
    for number in numbers:
        found = Faults(number, error, times=times)
        own = at(whole.plan, directory / f"{number}")
        try:
            table, trained = started_again(own, found, whole.made)
            pd.testing.assert_frame_equal(table, whole.table)
            assert trained <= rungs + 1, f"{trained} rungs were trained where {rungs} are enough"
            assert files(own) == whole.files, "other files are left"
        except Exception as fault:  # whatever it is, the others are tried too
            where = found.writes[number - 1] if len(found.writes) >= number else "?"
            wrong.append(f"{number} ({where}): {type(fault).__name__}: {str(fault)[:300]}")
    assert not wrong, "\n".join(wrong)

"""What a study cost, phase by phase."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from asymnas.core import columns as t
from asymnas.core.tables import Rows
from asymnas.core.text import percent, short
from asymnas.runs.run import Run


class PhaseCost(NamedTuple):
    """What one phase took.

    Args:
        phase: `search`, `control`, `sweep: tuning`, `sweep: measure`, `confirmation`, …
        runs: Trainings, failed and pruned ones among them.
        examples: Training examples seen.
        seconds: Of workers, all added up.
        macs: Multiply-accumulates of the training; 0 where they were not counted.
    """

    phase: str
    runs: int
    examples: int
    seconds: float
    macs: float


def cost_rows(costs: Sequence[PhaseCost]) -> Rows:
    """The cost by phase and in all, end to end.

    Args:
        costs: In the order the phases ran.
    """
    total = PhaseCost(
        "all",
        sum(cost.runs for cost in costs),
        sum(cost.examples for cost in costs),
        sum(cost.seconds for cost in costs),
        sum(cost.macs for cost in costs),
    )
    unit, seconds = _unit(total.seconds)
    listed = [*costs, total] if len(costs) > 1 else list(costs)
    return Rows(
        title="What it cost",
        columns=("phase", "runs", "training examples", f"worker {unit}", "of the time", "MACs"),
        rows=tuple(
            (
                cost.phase,
                f"{cost.runs:,}",
                f"{cost.examples:,}",
                f"{cost.seconds / seconds:,.1f}",
                percent(cost.seconds / total.seconds) if total.seconds else "\N{EN DASH}",
                short(cost.macs) if cost.macs else "\N{EN DASH}",
            )
            for cost in listed
        ),
        caption=f"End to end, failed and pruned runs included: {_in_words(total, unit, seconds)}.",
        marked=len(costs) if len(costs) > 1 else None,
    )


def _unit(seconds: float) -> tuple[str, float]:
    """The unit of time that suits the whole table, and its seconds."""
    if seconds < 600:
        return "seconds", 1.0
    return ("minutes", 60.0) if seconds < 36_000 else ("hours", 3600.0)


def _in_words(total: PhaseCost, unit: str, seconds: float) -> str:
    return (
        f"{total.runs:,} runs saw {short(total.examples)} training examples in "
        f"{total.seconds / seconds:,.1f} worker {unit}"
    )


PASSES = 3  # forward, and backward at twice the cost


def costs(run: Run) -> list[PhaseCost]:
    """One entry per phase, in the order they ran; what only prepared a measurement on its own."""
    entries = []
    for name, part in run.runs.items():
        for phase, words in ((t.SCREENING, "structures"), (t.TUNING, "learning rates")):
            rows = part.own[part.own[t.PHASE] == phase] if t.PHASE in part.own else ()
            if len(rows):
                entries.append(_cost(f"{name}: {words}", rows))
        entries.append(_cost(name, part.measured))
    return entries


def _cost(phase: str, rows: pd.DataFrame) -> PhaseCost:
    examples = rows[t.EXAMPLES].astype(float)
    macs = (examples * rows[t.TOTAL_MACS].astype(float)).sum() * PASSES
    return PhaseCost(phase, len(rows), int(examples.sum()), float(rows[t.SECONDS].sum()), macs)

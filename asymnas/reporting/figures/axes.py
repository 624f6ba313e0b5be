"""Axes: which are logarithmic, and where their ticks stand."""

import math
from typing import Any

import numpy as np

from asymnas.analysis.estimates import Floats
from asymnas.core.columns import COUNT_COLUMNS
from asymnas.core.text import percent, short
from asymnas.reporting.figures.style import label


def axis(name: str, numbers: Floats) -> dict[str, Any]:
    """An axis for a column's values: logarithmic where they are positive and span a factor of 3.

    Args:
        name: The column, for title and number format.
        numbers: What the axis is to hold, any shape; may be empty or hold NaN.
    """
    title = {"text": label(name), "standoff": 12}
    finite = numbers[np.isfinite(numbers)]
    spread = finite.max() / finite.min() if len(finite) and finite.min() > 0 else 0.0
    if spread < 3 and spread != 1:
        form = "~s" if name in COUNT_COLUMNS or name == "examples" else ""
        return {"title": title, "tickformat": form}
    padding = 2 if spread == 1 else 1.12  # a single value stands in the middle
    low, high = float(finite.min()) / padding, float(finite.max()) * padding
    ticks = log_ticks(low, high)
    counts = name in COUNT_COLUMNS or name == "examples"
    return {
        "title": title,
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": ticks,
        "ticktext": [short(tick) if counts else f"{tick:g}" for tick in ticks],
    }


def share_axis(title: str, low: float, high: float) -> dict[str, Any]:
    """An axis of shares in per cent, a little beyond both ends but not beyond 0 and 1.

    One half is the share to compare with, so ticks are counted from there.

    Args:
        title: What the share is of.
        low: The lowest share to hold.
        high: The highest.
    """
    room = max(0.05 * (high - low), 0.01)
    ends = [max(0.0, low - room), min(1.0, high + room)]
    steps = (0.01, 0.02, 0.05, 0.1)
    step = next((step for step in steps if (ends[1] - ends[0]) / step <= 6), 0.2)
    first, last = (math.ceil((ends[0] - 0.5) / step), math.floor((ends[1] - 0.5) / step))
    ticks = [0.5 + n * step for n in range(first, last + 1)]
    return {
        "title": {"text": title, "standoff": 12},
        "range": ends,
        "tickvals": ticks,
        "ticktext": [percent(tick) for tick in ticks],
    }


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers between two positive ends: five at most, evenly spread on a log scale."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{step}e{power}") for power in powers for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= 5:
            return ticks
    return ticks[:: math.ceil(len(ticks) / 5)]

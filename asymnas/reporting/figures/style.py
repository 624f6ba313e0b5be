"""What all figures share: palettes, layout, axes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from asymnas.analysis.estimates import Floats
from asymnas.core.columns import COUNT_COLUMNS
from asymnas.core.labels import label
from asymnas.core.text import percent, short

#: Colours by role. Figures are drawn in these; a dark page replaces each by its like in `DARK`.
LIGHT = {
    "ink": "#1c2430",
    "muted": "#5b6673",
    "grid": "#e2e6ea",
    "surface": "#fefefe",
    "pruned": "#b3bbc4",
    "complete": "#7f9cab",
    "front": "#0b6e69",
    "best": "#b8245f",
    "encoder": "#2a66a5",
    "decoder": "#c2611c",
    # Budgets from small to large, for `budget_colors`.
    "budget1": "#9583cf",
    "budget2": "#7a63c0",
    "budget3": "#6046ac",
    "budget4": "#482f8f",
    "budget5": "#2f1a68",
}
DARK = {
    "ink": "#e7ebef",
    "muted": "#9aa5b1",
    "grid": "#2f3842",
    "surface": "#1b2128",
    "pruned": "#5f6b78",
    "complete": "#86a6b7",
    "front": "#4cc9bd",
    "best": "#f5789f",
    "encoder": "#74b2ee",
    "decoder": "#f0a264",
    "budget1": "#7c69bd",
    "budget2": "#9480d2",
    "budget3": "#ad9be4",
    "budget4": "#c8baf1",
    "budget5": "#e4ddfb",
}
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif'


def budget_colors(budgets: Sequence[int]) -> dict[int, str]:
    """A colour for each budget, from the smallest to the largest.

    Args:
        budgets: In any order; beyond five, neighbours share a colour.
    """
    rising = sorted(set(budgets))
    if len(rising) == 1:
        return {rising[0]: LIGHT["budget3"]}
    return {
        budget: LIGHT[f"budget{1 + round(4 * place / (len(rising) - 1))}"]
        for place, budget in enumerate(rising)
    }


def figure(traces: Sequence[Any], *, x: Mapping[str, Any], y: Mapping[str, Any]) -> go.Figure:
    """Traces on two axes in the common style; with no traces, the words "nothing to show yet"."""
    common = {
        "gridcolor": LIGHT["grid"],
        "linecolor": LIGHT["grid"],
        "tickcolor": LIGHT["grid"],
        "zeroline": False,
        "automargin": True,
        "title": {"standoff": 12},
    }
    layout: dict[str, Any] = {
        "template": "none",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13, "color": LIGHT["muted"]},
        "height": 420,
        "showlegend": True,
        "margin": {"l": 56, "r": 12, "t": 44, "b": 52},
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
        },
        "hoverlabel": {
            "bgcolor": LIGHT["surface"],
            "bordercolor": LIGHT["muted"],
            "font": {"family": FONT, "color": LIGHT["ink"]},
        },
        "xaxis": {**common, **x},
        "yaxis": {**common, **y},
    }
    if not traces:
        layout["height"] = 160
        layout["xaxis"] = layout["yaxis"] = {"visible": False}
        layout["annotations"] = [
            {"text": "nothing to show yet", "xref": "paper", "yref": "paper"}
            | {"x": 0.5, "y": 0.5, "showarrow": False}
        ]
    shown = go.Figure(data=list(traces), layout=layout)
    shown.update_xaxes(title_font_size=13)
    shown.update_yaxes(title_font_size=13)
    return shown


#: Times the worst value of the complete trials: a pruned trial's beyond is not drawn, since one
#: diverged run would flatten all the others.
FARTHEST = 10.0


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
    padding = max(0.05 * (high - low), 0.01)
    ends = [max(0.0, low - padding), min(1.0, high + padding)]
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

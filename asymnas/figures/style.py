"""What all figures share: palettes, wording, number formats, axes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from asymnas.table import COUNT_COLUMNS

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
}
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif'

_LABELS = {
    "val_loss": "validation loss",
    "total_params": "parameters",
    "encoder_params": "encoder parameters",
    "decoder_params": "decoder parameters",
    "total_macs": "MACs",
    "encoder_macs": "encoder MACs",
    "decoder_macs": "decoder MACs",
    "decoder_share": "decoder share",
    "psnr": "PSNR",
    "mse": "MSE",
    "ssim": "SSIM",
}


@dataclass(frozen=True)
class Panel:
    """A figure and how to read it.

    Args:
        title: A few words.
        figure: In the light palette, on a transparent ground.
        reading: One or two sentences: what the figure shows of this run.
    """

    title: str
    figure: go.Figure
    reading: str


def label(name: str) -> str:
    """A column's name in words."""
    return _LABELS.get(name, name.replace("_", " "))


def short(count: float) -> str:
    """A count with three digits and a suffix: `950`, `1.2k`, `150k`, `1.5M`."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size * 0.9995:
            return f"{count / size:.3g}{suffix}"
    return f"{count:.3g}"


def value(name: str, number: float) -> str:
    """One value of a column: counts short, the rest with four significant digits."""
    return short(number) if name in COUNT_COLUMNS else f"{number:.4g}"


def percent(share: float) -> str:
    """A share as whole per cent."""
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def plural(count: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


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
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
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
    return go.Figure(data=list(traces), layout=layout)


def axis(name: str, numbers: NDArray[np.float64]) -> dict[str, Any]:
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


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers between two positive ends: five at most, evenly spread on a log scale."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{step}e{power}") for power in powers for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= 5:
            return ticks
    return ticks[:: math.ceil(len(ticks) / 5)]

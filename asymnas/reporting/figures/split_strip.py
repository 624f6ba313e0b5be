"""One budget of the sweep: its runs and its fitted law, above the lowest fitted loss."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from asymnas.analysis.estimates import BudgetSplit, Floats, Interval, Sizes
from asymnas.analysis.rows import counting
from asymnas.core.columns import BUDGET, DECODER_SHARE, STATE, VAL_LOSS
from asymnas.core.text import change, percent, rounded, share_span
from asymnas.reporting.figures.style import LIGHT


@dataclass(frozen=True)
class Strip:
    """Losses over the lowest fitted loss of the budget: 1 is as low as it gets.

    Args:
        split: What was inferred of the budget.
        shares: Of the runs, `[r]`.
        runs: Their relative losses, `[r]`.
        law: Relative losses of the fit, `[m]`; empty without one.
        low: Lower end of its band, `[m]`.
        high: Upper end, `[m]`.
    """

    split: BudgetSplit
    shares: Floats
    runs: Floats
    law: Floats
    low: Floats
    high: Floats


def strip_of(table: pd.DataFrame, split: BudgetSplit, sizes: Sizes) -> Strip:
    """The strip of one budget; with budgets of MACs, which no run has exactly, without runs.

    Args:
        table: A trial table of the sweep.
        split: What was inferred of the budget.
        sizes: What share and budget are of.
    """
    rows = sweep_runs(table if sizes == "params" else table.head(0))
    rows = rows[rows[BUDGET] == split.budget] if len(rows) else rows
    losses = rows[VAL_LOSS].to_numpy(dtype=float) if len(rows) else np.empty(0)
    shares = rows[DECODER_SHARE].to_numpy(dtype=float) if len(rows) else np.empty(0)
    fitted = split.curve.y[np.isfinite(split.curve.y)]
    lowest = float(fitted.min()) if len(fitted) else float(losses.min()) if len(losses) else 1.0
    curves = (split.curve.y, split.curve.low, split.curve.high)
    law, low, high = (curve / lowest for curve in curves)
    return Strip(split, shares, losses / lowest, law, low, high)


def sweep_runs(table: pd.DataFrame) -> pd.DataFrame:
    """The runs that count: complete, measured and not tuning, with a positive loss and a budget."""
    if table.empty or not {BUDGET, STATE, VAL_LOSS} <= set(table.columns):
        return table.head(0)
    losses = table[VAL_LOSS].to_numpy(dtype=float, na_value=np.nan)
    kept = (table[STATE] == "complete") & np.isfinite(losses) & (losses > 0)
    return counting(table[kept & table[BUDGET].notna()])


def strip_traces(strip: Strip, foot: float, ceiling: float) -> list[go.Scatter]:
    """A strip's traces from the back to the front, named by what they are.

    Args:
        strip: Of one budget.
        foot: The relative loss at whose height the best share stands.
        ceiling: The relative loss at whose height runs above it stand.
    """
    traces = [_band(strip)] if np.isfinite([strip.low, strip.high]).all() else []
    inside = strip.runs <= ceiling
    if inside.any():
        marker = {"color": LIGHT["complete"], "size": 5, "opacity": 0.6}
        shares, runs = strip.shares[inside], strip.runs[inside]
        traces.append(_points("run", shares, runs, mode="markers", marker=marker))
    if not inside.all():
        marker = {"color": LIGHT["complete"], "size": 8, "symbol": "triangle-up"}
        far = _points("far above", strip.shares[~inside], strip.runs[~inside], mode="markers")
        far.update(y=[ceiling] * int((~inside).sum()), marker=marker)
        traces.append(far)
    x = strip.split.curve.x
    if len(strip.law):
        line = {"color": LIGHT["front"], "width": 2.2}
        traces.append(_points("fitted law", x, strip.law, mode="lines", line=line))
    return [*traces, *_within(strip.split, foot), *_best(strip.split.share, foot)]


def _points(name: str, x: Floats, y: Floats, **style: object) -> go.Scatter:
    return go.Scatter(
        x=x.tolist(),
        y=y.tolist(),
        name=name,
        customdata=[change(ratio - 1) for ratio in y],
        hovertemplate=f"{name}<br>decoder share %{{x:.0%}}<br>%{{customdata}}<extra></extra>",
        **style,
    )


def _band(strip: Strip) -> go.Scatter:
    x = strip.split.curve.x.tolist()
    return go.Scatter(
        x=[*x, *x[::-1]],
        y=[*strip.high.tolist(), *strip.low.tolist()[::-1]],
        mode="none",
        name="band",
        fill="toself",
        fillcolor=LIGHT["front"],
        opacity=0.18,
        showlegend=False,
        hoverinfo="skip",
    )


def _within(split: BudgetSplit, foot: float) -> list[go.Scatter]:
    """The shares that are nearly as good, as a bar."""
    if split.within.low is None or split.within.high is None:
        return []
    name = f"within {rounded(split.tolerance)} of the lowest"
    return [
        go.Scatter(
            x=[split.within.low, split.within.high],
            y=[foot, foot],
            mode="lines",
            name=name,
            line={"color": LIGHT["pruned"], "width": 9},
            hovertemplate=f"{name}: {share_span(split.within)}<extra></extra>",
        )
    ]


def _best(share: Interval, foot: float) -> list[go.Scatter]:
    if share.estimate is None:
        return []
    told = f"best share {percent(share.estimate)}"
    return [
        go.Scatter(
            x=[share.estimate],
            y=[foot],
            mode="markers",
            name="best share",
            marker={"color": LIGHT["best"], "size": 10, "symbol": "diamond"},
            error_x=_bars(share, LIGHT["best"]),
            hovertemplate=f"{told} ({share_span(share)})<extra></extra>",
        )
    ]


def _bars(interval: Interval, color: str) -> dict[str, object] | None:
    if interval.estimate is None or interval.low is None or interval.high is None:
        return None
    return {
        "type": "data",
        "symmetric": False,
        "array": [interval.high - interval.estimate],
        "arrayminus": [interval.estimate - interval.low],
        "thickness": 2,
        "width": 5,
        "color": color,
    }

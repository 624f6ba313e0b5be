"""Learning curves of a sweep: too many to draw each, so the middle and the spread by budget."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from asymnas.core.columns import BUDGET, CURVE, EXAMPLES, VAL_LOSS
from asymnas.core.text import percent, plural, short
from asymnas.reporting.figures.axes import axis
from asymnas.reporting.figures.split_strip import sweep_runs
from asymnas.reporting.figures.style import Panel, budget_colors, figure

TITLE = "Learning curves by budget"
QUANTILES = (0.1, 0.5, 0.9)


def budget_curves_panel(table: pd.DataFrame) -> Panel:
    """Median validation loss by training examples, and the middle eight tenths of the runs.

    Args:
        table: A trial table of a sweep; tuning runs are left out.
    """
    rows = sweep_runs(table)
    rows = rows[[isinstance(c, list) and len(c) > 0 for c in rows[CURVE]]] if len(rows) else rows
    if rows.empty:
        return Panel(TITLE, figure([], x={}, y={}), "No run of the sweep has finished yet.")
    points = pd.DataFrame(
        [
            (int(budget), int(seen), float(loss))
            for budget, curve in zip(rows[BUDGET], rows[CURVE], strict=True)
            for seen, loss in curve
            if np.isfinite(loss)
        ],
        columns=[BUDGET, EXAMPLES, VAL_LOSS],
    )
    middle = points.groupby([BUDGET, EXAMPLES])[VAL_LOSS].quantile(list(QUANTILES)).unstack()
    colors = budget_colors(list(points[BUDGET].unique()))
    traces = []
    for budget, color in colors.items():
        traces += _traces(short(budget), middle.loc[budget], color)
    rungs = sorted(points[EXAMPLES].unique())
    x = axis(EXAMPLES, np.array(rungs, dtype=float))
    x["title"] = {"text": "training examples seen"}
    if len(rungs) <= 6:
        x |= {"tickvals": rungs, "ticktext": [short(rung) for rung in rungs]}
    shown = figure(traces, x=x, y=axis(VAL_LOSS, middle.to_numpy(dtype=float)))
    return Panel(TITLE, shown, _reading(middle, len(rows), rungs))


def _traces(name: str, middle: pd.DataFrame, color: str) -> list[go.Scatter]:
    low, median, high = (middle[quantile].tolist() for quantile in QUANTILES)
    x = [int(seen) for seen in middle.index]
    band = go.Scatter(
        x=[*x, *x[::-1]],
        y=[*high, *low[::-1]],
        mode="none",
        name=name,
        legendgroup=name,
        showlegend=False,
        fill="toself",
        fillcolor=color,
        opacity=0.14,
        hoverinfo="skip",
    )
    line = go.Scatter(
        x=x,
        y=median,
        mode="lines+markers",
        name=name,
        legendgroup=name,
        line={"color": color, "width": 2},
        marker={"color": color, "size": 5},
        hovertemplate=f"{name}: %{{y:.4g}} at %{{x:,}} examples<extra>median</extra>",
    )
    return [band, line]


def _reading(middle: pd.DataFrame, runs: int, rungs: list[int]) -> str:
    budgets = list(middle.index.get_level_values(BUDGET).unique())
    told = f"{plural(runs, 'run')} by budget in parameters: lines are medians, bands the middle "
    told += "eight tenths."
    if len(rungs) < 2:
        return told
    ends = [middle.loc[budget][0.5] for budget in budgets]
    gains = [1 - e.iloc[-1] / e.iloc[-2] for e in ends if len(e) > 1]
    if not gains or max(gains) <= 0:
        return told
    low, high = percent(min(gains)), percent(max(gains))
    return (
        f"{told} Between {short(rungs[-2])} and {short(rungs[-1])} examples the median still fell "
        f"by {low if low == high else f'{low} to {high}'}."
    )

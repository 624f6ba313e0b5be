"""Learning curves by rung, and what pruning spared."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from asymnas.core.columns import (
    BUDGET,
    CURVE,
    DUPLICATE_OF,
    EXAMPLES,
    STATE,
    TARGET_SHARE,
    TRIAL,
    VAL_LOSS,
)
from asymnas.core.text import percent, plural, short
from asymnas.reporting.content import Panel
from asymnas.reporting.figures.decoder_share import sweep_runs
from asymnas.reporting.figures.style import FARTHEST, LIGHT, axis, budget_colors, figure

TITLE = "Learning curves"
TITLE_BY_BUDGET = "Learning curves by budget"
QUANTILES = (0.1, 0.5, 0.9)


def curves_panel(table: pd.DataFrame, best: int | None = None) -> Panel:
    """Validation loss by training examples seen, pruned trials greyed up to where they stopped.

    What a pruned trial has above ten times the highest loss of the complete ones is not drawn.
    A sweep, whose runs are too many to draw each, is shown by `budget_curves_panel`.

    Args:
        table: A trial table.
        best: The trial to mark.
    """
    if TARGET_SHARE in table and table[TARGET_SHARE].notna().any():
        return budget_curves_panel(table)
    rows = table if table.empty else table[table[DUPLICATE_OF].isna()]
    rows = rows if rows.empty else rows[rows[STATE].isin(["complete", "pruned"])]
    curves = {int(row[TRIAL]): _points(row[CURVE]) for _, row in rows.iterrows()}
    if not any(curves.values()):
        return Panel(TITLE, figure([], x={}, y={}), "No trial has reached a rung yet.")
    state = {int(row[TRIAL]): str(row[STATE]) for _, row in rows.iterrows()}
    pruned = {trial: c for trial, c in curves.items() if state[trial] == "pruned"}
    whole = [loss for t, c in curves.items() if state[t] == "complete" for _, loss in c]
    highest = FARTHEST * max(whole, default=np.inf)
    if highest > 0:
        pruned = {t: [point for point in c if point[1] <= highest] for t, c in pruned.items()}
    complete = {t: c for t, c in curves.items() if state[t] == "complete" and t != best}
    marked = {t: c for t, c in curves.items() if t == best}
    traces = [
        _lines(group, name, color, width)
        for group, name, color, width in (
            (pruned, "pruned", LIGHT["pruned"], 1.0),
            (complete, "complete", LIGHT["front"], 1.2),
            (marked, f"best: trial {best}", LIGHT["best"], 3.0),
        )
        if any(group.values())
    ]
    rungs = sorted({seen for curve in curves.values() for seen, _ in curve})
    x = axis(EXAMPLES, np.array(rungs, dtype=float))
    x["title"] = {"text": "training examples seen"}
    if len(rungs) <= 8:
        x |= {"tickvals": rungs, "ticktext": [short(rung) for rung in rungs]}
    drawn = [*pruned.values(), *complete.values(), *marked.values()]
    losses = np.array([loss for curve in drawn for _, loss in curve])
    shown = figure(traces, x=x, y=axis(VAL_LOSS, losses))
    return Panel(TITLE, shown, _reading(rows, rungs[-1]))


def _points(curve: object) -> list[tuple[int, float]]:
    points = curve if isinstance(curve, list | tuple) else []
    return [(int(seen), float(loss)) for seen, loss in points if np.isfinite(float(loss))]


def _lines(
    curves: dict[int, list[tuple[int, float]]], name: str, color: str, width: float
) -> go.Scatter:
    """Curves as one trace, with gaps between them and a dot where each ends."""
    x: list[int | None] = []
    y: list[float | None] = []
    trials: list[int | None] = []
    sizes: list[int] = []
    for trial, curve in curves.items():
        if curve:
            x += [*(seen for seen, _ in curve), None]
            y += [*(loss for _, loss in curve), None]
            trials += [trial] * len(curve) + [None]
            sizes += [0] * (len(curve) - 1) + [6, 0]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        name=name,
        line={"color": color, "width": width},
        marker={"color": color, "size": sizes, "opacity": 1, "line": {"width": 0}},
        opacity=0.8,
        connectgaps=False,
        customdata=trials,
        hovertemplate="trial %{customdata}<br>%{x:,} examples<br>validation loss %{y:.4g}"
        "<extra></extra>",
    )


def _reading(rows: pd.DataFrame, last_rung: int) -> str:
    complete, pruned = (int((rows[STATE] == s).sum()) for s in ("complete", "pruned"))
    text = f"{plural(complete, 'trial')} ran to the end and {plural(pruned, 'trial')}"
    if not pruned:
        return f"{plural(complete, 'trial')} ran to the end; none was pruned."
    if not complete:
        return f"{plural(pruned, 'trial')} ended early, pruned; none has completed."
    spared = 1 - rows[EXAMPLES].sum() / (len(rows) * last_rung)
    return (
        f"{text} stopped early where the grey lines end, which spared {percent(spared)} of the "
        "training that all of them would have taken."
    )


def budget_curves_panel(table: pd.DataFrame) -> Panel:
    """Median validation loss by training examples, and the middle eight tenths of the runs.

    Args:
        table: A trial table of a sweep; tuning runs are left out.
    """
    rows = sweep_runs(table)
    rows = rows[[isinstance(c, list) and len(c) > 0 for c in rows[CURVE]]] if len(rows) else rows
    if rows.empty:
        return Panel(
            TITLE_BY_BUDGET, figure([], x={}, y={}), "No run of the sweep has finished yet."
        )
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
        traces += _budget_traces(short(budget), middle.loc[budget], color)
    rungs = sorted(points[EXAMPLES].unique())
    x = axis(EXAMPLES, np.array(rungs, dtype=float))
    x["title"] = {"text": "training examples seen"}
    if len(rungs) <= 6:
        x |= {"tickvals": rungs, "ticktext": [short(rung) for rung in rungs]}
    shown = figure(traces, x=x, y=axis(VAL_LOSS, middle.to_numpy(dtype=float)))
    return Panel(TITLE_BY_BUDGET, shown, _budget_reading(middle, len(rows), rungs))


def _budget_traces(name: str, middle: pd.DataFrame, color: str) -> list[go.Scatter]:
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


def _budget_reading(middle: pd.DataFrame, runs: int, rungs: list[int]) -> str:
    budgets = list(middle.index.get_level_values(BUDGET).unique())
    text = f"{plural(runs, 'run')} by budget in parameters: lines are medians, bands the middle "
    text += "eight tenths."
    if len(rungs) < 2:
        return text
    ends = [middle.loc[budget][0.5] for budget in budgets]
    gains = [1 - e.iloc[-1] / e.iloc[-2] for e in ends if len(e) > 1]
    if not gains or max(gains) <= 0:
        return text
    low, high = percent(min(gains)), percent(max(gains))
    return (
        f"{text} Between {short(rungs[-2])} and {short(rungs[-1])} examples the median still fell "
        f"by {low if low == high else f'{low} to {high}'}."
    )

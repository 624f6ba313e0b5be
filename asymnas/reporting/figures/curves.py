"""Learning curves by rung, and what pruning spared."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from asymnas.core.columns import BUDGET, CURVE, DUPLICATE_OF, EXAMPLES, STATE, TRIAL, VAL_LOSS
from asymnas.core.text import percent, plural, short
from asymnas.reporting.figures.axes import axis
from asymnas.reporting.figures.budget_curves import budget_curves_panel
from asymnas.reporting.figures.style import LIGHT, Panel, figure

TITLE = "Learning curves"


def curves_panel(table: pd.DataFrame, best: int | None = None) -> Panel:
    """Validation loss by training examples seen, pruned trials greyed up to where they stopped.

    A sweep, whose runs are too many to draw each, is shown by `budget_curves_panel`.

    Args:
        table: A trial table.
        best: The trial to mark.
    """
    if BUDGET in table and table[BUDGET].notna().any():
        return budget_curves_panel(table)
    rows = table if table.empty else table[table[DUPLICATE_OF].isna()]
    rows = rows if rows.empty else rows[rows[STATE].isin(["complete", "pruned"])]
    curves = {int(row[TRIAL]): _points(row[CURVE]) for _, row in rows.iterrows()}
    if not any(curves.values()):
        return Panel(TITLE, figure([], x={}, y={}), "No trial has reached a rung yet.")
    state = {int(row[TRIAL]): str(row[STATE]) for _, row in rows.iterrows()}
    pruned = {trial: c for trial, c in curves.items() if state[trial] == "pruned"}
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
    losses = np.array([loss for curve in curves.values() for _, loss in curve])
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
    told = f"{plural(complete, 'trial')} ran to the end and {plural(pruned, 'trial')}"
    if not pruned:
        return f"{plural(complete, 'trial')} ran to the end; none was pruned."
    if not complete:
        return f"{plural(pruned, 'trial')} ended early, pruned; none has completed."
    spared = 1 - rows[EXAMPLES].sum() / (len(rows) * last_rung)
    return (
        f"{told} stopped early where the grey lines end, which spared {percent(spared)} of the "
        "training that all of them would have taken."
    )

"""The decoder's share of the parameters along the front."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from asymnas.analysis.front import Objective, pareto_front, scored
from asymnas.analysis.search_share import BudgetProfile
from asymnas.core.columns import DECODER_SHARE, TOTAL_PARAMS, TRIAL
from asymnas.core.labels import label
from asymnas.core.text import percent, short
from asymnas.reporting.content import Panel
from asymnas.reporting.figures.style import LIGHT, axis, figure, share_axis

TITLE = "The decoder's share along the front"
PROFILE = "The best by range of the decoder share"
DASHES = ("solid", "dash", "dot")  # of budgets, the largest first


def front_share_panel(
    table: pd.DataFrame, objectives: Sequence[Objective], estimate: float | None
) -> Panel:
    """Decoder share against parameters: the front, and faintly every other completed trial.

    Args:
        table: A trial table.
        objectives: Those of the search.
        estimate: The median over the front, from `asymnas.analysis.search_share.decoder_share`.
    """
    rows, best = scored(table, objectives), pareto_front(table, objectives)
    if best.empty:
        return Panel(TITLE, figure([], x={}, y={}), "No trial has completed yet.")
    best = best.sort_values(TOTAL_PARAMS)
    rest = rows[~rows[TRIAL].isin(best[TRIAL])]
    traces = []
    if len(rest):
        traces.append(_points(rest, "complete", LIGHT["complete"], 7, 0.5))
    traces.append(_points(best, "front", LIGHT["front"], 10, 1.0))
    sizes = rows[TOTAL_PARAMS].to_numpy(dtype=float)
    traces.append(
        go.Scatter(
            x=[sizes.min() / 2, sizes.max() * 2],
            y=[0.5, 0.5],
            mode="lines",
            name="equal sides",
            line={"color": LIGHT["muted"], "width": 1, "dash": "dash"},
            hoverinfo="skip",
        )
    )
    shares = figure(
        traces,
        x=axis(TOTAL_PARAMS, sizes),
        y=share_axis("decoder share", 0, 1),
    )
    return Panel(TITLE, shares, _reading(best, estimate))


def _points(rows: pd.DataFrame, name: str, color: str, size: int, opacity: float) -> go.Scatter:
    return go.Scatter(
        x=rows[TOTAL_PARAMS].to_list(),
        y=rows[DECODER_SHARE].to_list(),
        mode="markers",
        name=name,
        marker={"color": color, "size": size, "opacity": opacity},
        customdata=rows[TRIAL].to_list(),
        hovertemplate="trial %{customdata}<br>decoder share %{y:.0%}<br>%{x:,} parameters"
        "<extra></extra>",
    )


def _reading(best: pd.DataFrame, estimate: float | None) -> str:
    shares = best[DECODER_SHARE].dropna()
    if estimate is None or shares.empty:
        return "The completed trials have no decoder share."
    median = percent(estimate)
    if len(shares) == 1:
        return f"The front is one trial, with {median} of its parameters in the decoder."
    return (
        f"From {percent(shares.min())} to {percent(shares.max())} of the parameters lie in the "
        f"decoder; the median is {median}. A search draws adaptively: this describes where it "
        "landed and does not prove an optimum."
    )


def profile_panel(profiles: Sequence[BudgetProfile], objective: Objective) -> Panel:
    """The best value of the first objective by range of the decoder share, a line per budget.

    Args:
        profiles: From `asymnas.analysis.search_share.share_profile`.
        objective: The one that is profiled.
    """
    traces, values = [], []
    for place, profile in enumerate(reversed(profiles)):
        seen = [r for r in profile["ranges"] if r["best"] is not None]
        if not seen:
            continue
        best = [r["best"] for r in seen]
        values += best
        budget = profile["budget"]
        traces.append(
            go.Scatter(
                x=[(r["low"] + r["high"]) / 2 for r in seen],
                y=best,
                mode="lines+markers+text",
                name=f"{short(budget)} parameters" if budget else "all sizes",
                line={"color": LIGHT["front"], "width": 1.5, "dash": DASHES[place % len(DASHES)]},
                text=[str(r["complete"]) for r in seen],
                textposition="top center",
                customdata=[[r["low"], r["high"], r["trials"], r["trial"]] for r in seen],
                hovertemplate="%{y:.4g} (trial %{customdata[3]})<br>decoder share "
                "%{customdata[0]:.0%} to %{customdata[1]:.0%}<br>%{text} complete of "
                "%{customdata[2]}<extra></extra>",
            )
        )
    if not traces:
        return Panel(PROFILE, figure([], x={}, y={}), "No trial has completed yet.")
    shown = figure(
        traces,
        x=share_axis("decoder share", 0, 1),
        y=axis(objective.name, np.asarray(values, dtype=float)),
    )
    reading = (
        f"The best {label(objective.name)} by range of the decoder share; the numbers count the "
        "completed trials. Where a search looked less, its best is worse for that reason alone."
    )
    return Panel(PROFILE, shown, reading)

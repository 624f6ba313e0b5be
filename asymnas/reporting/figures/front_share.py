"""The decoder's share of the parameters along the front."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from asymnas.analysis.front import Objective, pareto_front, scored
from asymnas.analysis.search_share import ShareEstimate
from asymnas.core.columns import DECODER_SHARE, TOTAL_PARAMS, TRIAL
from asymnas.core.text import percent
from asymnas.reporting.content import Panel
from asymnas.reporting.figures.style import LIGHT, axis, figure, share_axis

TITLE = "The decoder's share along the front"


def front_share_panel(
    table: pd.DataFrame, objectives: Sequence[Objective], estimate: ShareEstimate
) -> Panel:
    """Decoder share against parameters: the front, and faintly every other completed trial.

    Args:
        table: A trial table.
        objectives: Those of the search.
        estimate: From `asymnas.analysis.search_share.decoder_share`.
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
    if estimate["low"] is not None:
        band = {"fillcolor": LIGHT["front"], "opacity": 0.12, "line_width": 0, "layer": "below"}
        shares.add_hrect(y0=estimate["low"], y1=estimate["high"], **band)
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


def _reading(best: pd.DataFrame, estimate: ShareEstimate) -> str:
    shares = best[DECODER_SHARE].dropna()
    if estimate["estimate"] is None or shares.empty:
        return "The completed trials have no decoder share."
    median = percent(estimate["estimate"])
    if len(shares) == 1:
        return f"The front is one trial, with {median} of its parameters in the decoder."
    text = (
        f"From {percent(shares.min())} to {percent(shares.max())} of the parameters lie in the "
        f"decoder; the median is {median}"
    )
    if estimate["low"] is None or estimate["high"] is None:
        return f"{text}, of too few trials for an interval."
    return (
        f"{text} (band: {percent(estimate['low'])} to {percent(estimate['high'])}, "
        f"{percent(estimate['level'])} bootstrap). A search draws adaptively: this describes where "
        "it landed and does not prove an optimum."
    )

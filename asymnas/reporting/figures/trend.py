"""The best share against the budget."""

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from asymnas.analysis.estimates import Band, BudgetShare, Floats, Interval, ShareInference
from asymnas.core.text import percent, short, span
from asymnas.reporting.content import Panel
from asymnas.reporting.figures.style import LIGHT, figure, share_axis
from asymnas.reporting.verdicts import COUNTED

TITLE = "The best share against the budget"
ASIDE = 0.018  # the cross-check stands this part of the axis beside its budget


def trend_panel(inference: ShareInference) -> Panel:
    """The best decoder share of each budget with its interval, and the trend of the law.

    The trend is dashed where it is extrapolated, and ends where it does. A faint square beside
    each budget is the cross-check that assumes no law.

    Args:
        inference: What was inferred from a sweep.
    """
    estimated = [entry for entry in inference.budgets if entry.share.estimate is not None]
    if len(estimated) < 2:
        few = "One budget shows no trend: it takes at least two, better four."
        none = "No best share can be inferred, so there is no trend."
        return Panel(TITLE, figure([], x={}, y={}), few if estimated else none)
    budgets = np.array([entry.budget for entry in estimated], dtype=float)
    trend = inference.trend
    reach = budgets if trend is None else np.concatenate([budgets, trend.x])
    low, high = float(reach.min()) / 1.25, float(reach.max()) * 1.25
    aside = (high / low) ** ASIDE
    traces = [] if trend is None else trend_traces(trend, budgets.min(), budgets.max())
    traces += [
        _shares(
            "Gaussian process",
            [(entry, entry.cross_check) for entry in estimated],
            {"color": LIGHT["complete"], "size": 8, "symbol": "square"},
            aside,
        ),
        _shares(
            "best share",
            [(entry, entry.share) for entry in estimated],
            {"color": LIGHT["best"], "size": 11, "symbol": "diamond"},
        ),
    ]
    ticks = [entry.budget for entry in estimated]
    skipped = math.ceil(len(ticks) / 4)  # more labels than four collide on a phone
    x = {
        "title": {"text": COUNTED[inference.sizes]},
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": ticks,
        "ticktext": [short(t) if n % skipped == 0 else "" for n, t in enumerate(ticks)],
    }
    y = share_axis("best decoder share", *_ends(estimated, trend))
    shown = figure([t for t in traces if len(t.x)], x=x, y=y)
    line = {"color": LIGHT["muted"], "width": 1, "dash": "dash"}
    shown.add_hline(y=0.5, line=line)
    return Panel(TITLE, shown, _reading(estimated, inference))


def _ends(estimated: list[BudgetShare], trend: Band | None) -> tuple[float, float]:
    """The range of shares: all that is shown, and one half."""
    shares = [0.5]
    for entry in estimated:
        for interval in (entry.share, entry.cross_check):
            shares += [e for e in (interval.estimate, interval.low, interval.high) if e is not None]
    if trend is not None:
        held = np.concatenate([trend.low, trend.high, trend.y])
        shares += held[np.isfinite(held)].tolist()
    return min(shares), max(shares)


def _shares(
    name: str,
    intervals: list[tuple[BudgetShare, Interval]],
    marker: dict[str, Any],
    aside: float = 1.0,
) -> go.Scatter:
    points = [(entry.budget, i, i.estimate) for entry, i in intervals if i.estimate is not None]
    above = [0.0 if i.high is None else i.high - share for _, i, share in points]
    below = [0.0 if i.low is None else share - i.low for _, i, share in points]
    bars = {"type": "data", "symmetric": False, "array": above, "arrayminus": below}
    return go.Scatter(
        x=[budget * aside for budget, *_ in points],
        y=[share for *_, share in points],
        mode="markers",
        name=name,
        marker=marker,
        error_y={**bars, "color": marker["color"], "thickness": 1.8, "width": 4},
        customdata=[[f"{budget:,}", span(i, percent)] for budget, i, _ in points],
        hovertemplate=f"{name}<br>%{{customdata[0]}}: %{{y:.0%}} (%{{customdata[1]}})"
        "<extra></extra>",
    )


def _reading(estimated: list[BudgetShare], inference: ShareInference) -> str:
    first, last = estimated[0], estimated[-1]
    a, b = percent(first.share.estimate or 0), percent(last.share.estimate or 0)
    lower, upper = f"{short(first.budget)} {COUNTED[inference.sizes]}", short(last.budget)
    overlap = first.share.overlaps(last.share)
    if overlap is None:
        reading = f"The best share is {a} at {lower} and {b} at {upper}, both without an interval."
    elif overlap:
        reading = f"The best share is {a} at {lower} and {b} at {upper}; these intervals overlap, "
        reading += "so no trend is shown."
    else:
        reading = f"The best share moves from {a} at {lower} to {b} at {upper}, beyond what "
        reading += "their intervals allow for."
    if inference.law == "multiplicative":
        reading += " The law that fits best has one share for all budgets."
    elif inference.trend is not None and inference.trend.x[-1] > 1.01 * last.budget:
        end = short(float(inference.trend.x[-1]))
        reading += f" Dotted, up to {end}, the law is extrapolated and not tested."
    return reading


def trend_traces(trend: Band, first: float, last: float) -> list[go.Scatter]:
    """The trend as a line, dotted where it is extrapolated, with its band.

    Args:
        trend: The best share against the budget.
        first: The smallest budget swept.
        last: The largest.
    """
    parts = [
        (max(first, trend.x[0]), min(last, trend.x[-1]), "solid", 0.18),
        (trend.x[0], first, "dot", 0.09),
        (last, trend.x[-1], "dot", 0.09),
    ]
    traces = []
    for low, high, dash, opacity in parts:
        if low >= high:
            continue
        x = np.array([low, *trend.x[(trend.x > low) & (trend.x < high)], high])
        y, lower, upper = (_at(x, trend, values) for values in (trend.y, trend.low, trend.high))
        name = "trend" if dash == "solid" else "extrapolated"
        if np.isfinite([lower, upper]).all():
            traces.append(
                go.Scatter(
                    x=[*x.tolist(), *x[::-1].tolist()],
                    y=[*upper.tolist(), *lower[::-1].tolist()],
                    mode="none",
                    name="band",
                    fill="toself",
                    fillcolor=LIGHT["front"],
                    opacity=opacity,
                    showlegend=False,
                    hoverinfo="skip",
                )
            )
        traces.append(
            go.Scatter(
                x=x.tolist(),
                y=y.tolist(),
                mode="lines",
                name=name,
                legendgroup=name,
                showlegend=all(trace.name != name for trace in traces),
                line={"color": LIGHT["front"], "width": 2.2, "dash": dash},
                hovertemplate=f"{name}<br>%{{x:,.0f}}: %{{y:.0%}}<extra></extra>",
            )
        )
    return traces


def _at(x: Floats, trend: Band, values: Floats) -> Floats:
    return np.interp(np.log(x), np.log(trend.x), values)

"""The trend of the best share over budgets, as far as it reaches."""

import numpy as np
import plotly.graph_objects as go

from asymnas.analysis.estimates import Band, Floats
from asymnas.reporting.figures.style import LIGHT


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

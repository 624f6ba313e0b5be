"""Several fronts in one figure, a colour for each setting."""

import numpy as np
import plotly.graph_objects as go

from asymnas.analysis.front import Objective
from asymnas.core.columns import TOTAL_PARAMS
from asymnas.core.labels import label
from asymnas.reporting.figures.style import LIGHT, axis, figure
from asymnas.runs.compared import Compared

#: Colours of settings, in the order of the groups; beyond these they repeat.
COLORS = ("front", "decoder", "encoder", "best", "budget3", "complete")


def fronts_figure(compared: Compared) -> go.Figure:
    """The first objective (up) against the second (across), a step line per search."""
    up = compared.objectives[0]
    across = compared.objectives[1] if len(compared.objectives) > 1 else Objective(TOTAL_PARAMS)
    traces, points = [], [np.empty((0, 2))]
    for place, group in enumerate(compared.groups):
        color = LIGHT[COLORS[place % len(COLORS)]]
        for nth, run in enumerate(r for r in group.runs if len(r.front)):
            rows = run.front.sort_values(across.name)
            values = rows[[up.name, across.name]].to_numpy(dtype=float)
            points.append(values)
            traces.append(
                go.Scatter(
                    x=values[:, 1].tolist(),
                    y=values[:, 0].tolist(),
                    mode="lines+markers" if len(compared.objectives) == 2 else "markers",
                    line={"shape": "vh" if across.maximize else "hv", "color": color, "width": 1.5},
                    marker={"color": color, "size": 7},
                    name=group.name or "searches",
                    legendgroup=group.name,
                    showlegend=nth == 0,
                    text=[f"{run.name}, trial {trial}" for trial in rows["trial"]],
                    hovertemplate=(
                        f"%{{text}}<br>{label(up.name)} %{{y:.4g}}<br>"
                        f"{label(across.name)} %{{x:,}}<extra></extra>"
                    ),
                )
            )
    held = np.concatenate(points)
    shown = figure(traces, x=axis(across.name, held[:, 1]), y=axis(up.name, held[:, 0]))
    return shown.update_layout(paper_bgcolor=LIGHT["surface"])

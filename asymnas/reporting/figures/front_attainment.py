"""How far the front moves from seed to seed, behind the front."""

import numpy as np
import plotly.graph_objects as go

from asymnas.analysis.estimates import Floats
from asymnas.analysis.front import BEST, MEDIAN, WORST, Attainment
from asymnas.core.text import plural
from asymnas.reporting.figures.style import LIGHT


def attainment_traces(attainment: Attainment, front: Floats) -> list[go.Scatter]:
    """A band from what one replicate reaches to what all do, and the line that half of them do.

    Args:
        attainment: Surfaces of the first objective (drawn up) and the second (across).
        front: The front before it `[m, 2]`, first objective first: the staircases reach as far.
    """
    signs = np.array([-1.0 if objective.maximize else 1.0 for objective in attainment.objectives])
    held = [front, *attainment.surfaces.values()]
    worst = (np.concatenate([points * signs for points in held])).max(axis=0)
    stairs = {
        level: _staircase(corners * signs, worst) * signs
        for level, corners in attainment.surfaces.items()
        if len(corners)
    }
    traces = []
    if BEST in stairs and WORST in stairs:
        around = np.concatenate([stairs[BEST], stairs[WORST][::-1]])
        traces.append(
            go.Scatter(
                x=around[:, 1].tolist(),
                y=around[:, 0].tolist(),
                mode="none",
                name="seed to seed",
                fill="toself",
                fillcolor=LIGHT["front"],
                opacity=0.16,
                hoverinfo="skip",
            )
        )
    if MEDIAN in stairs:
        traces.append(
            go.Scatter(
                x=stairs[MEDIAN][:, 1].tolist(),
                y=stairs[MEDIAN][:, 0].tolist(),
                mode="lines",
                name="median seed",
                line={"color": LIGHT["front"], "width": 1.3, "dash": "dot"},
                hoverinfo="skip",
            )
        )
    return traces


def attainment_reading(attainment: Attainment) -> str:
    """What the band is, in a sentence."""
    return (
        f"Shaded is how far the front moves with the seed: from what one of "
        f"{plural(attainment.replicates, 'replicate')} reaches to what all do."
    )


def _staircase(corners: Floats, worst: Floats) -> Floats:
    """The border of what minimised corners `[k, 2]` dominate, up to the worst, across rising."""
    rising = corners[np.lexsort((corners[:, 0], corners[:, 1]))]
    path = [(worst[0], rising[0, 1])]
    for up, across in rising:
        path += [(path[-1][0], across), (up, across)]
    return np.array([*path, (path[-1][0], worst[1])])

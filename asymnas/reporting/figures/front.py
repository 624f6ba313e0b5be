"""The front: quality against size, every trial in sight."""

import html
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from asymnas.analysis.estimates import Floats
from asymnas.analysis.front import Objective, marks, pareto_front, scored
from asymnas.analysis.several_fronts import BEST, MEDIAN, WORST, Attainment
from asymnas.core.columns import (
    COUNT_COLUMNS,
    DECODER_FAMILY,
    DECODER_PARAMS,
    DECODER_SHARE,
    DECODER_WIDTHS,
    ENCODER_FAMILY,
    ENCODER_PARAMS,
    ENCODER_WIDTHS,
    STATE,
    TOTAL_PARAMS,
    TRIAL,
)
from asymnas.core.labels import label, value
from asymnas.core.text import percent, plural
from asymnas.reporting.content import Panel
from asymnas.reporting.figures.style import FARTHEST, LIGHT, axis, figure

TITLE = "The front"
MOST_DESCRIBED = 2_000  # trials; of more, those off the front have their number alone
_NONE: Mapping[int, Sequence[str]] = {}
SIDES = (
    ("encoder", ENCODER_FAMILY, ENCODER_PARAMS, ENCODER_WIDTHS),
    ("decoder", DECODER_FAMILY, DECODER_PARAMS, DECODER_WIDTHS),
)


def front_panel(
    table: pd.DataFrame,
    objectives: Sequence[Objective],
    best: int | None = None,
    attainment: Attainment | None = None,
    directory: str = "",
) -> Panel:
    """The first objective (up) against the second (across; parameters, if there is one only).

    Pruned trials stand, greyed, at their last loss; those more than ten times worse than every
    complete one would only flatten the figure, and are counted in its reading. With two objectives
    a step line bounds what the front dominates; with more, the front is a cloud in this projection.

    Args:
        table: A trial table.
        objectives: Those of the search.
        best: The trial to mark.
        attainment: Over replicates of the same trials, from `asymnas.analysis.several_fronts`; its
            surfaces are shaded behind the front.
        directory: The run's: what is hovered over says how members of the front are loaded.
    """
    up = objectives[0]
    across = objectives[1] if len(objectives) > 1 else Objective(TOTAL_PARAMS)
    rows, best_rows = scored(table, objectives), pareto_front(table, objectives)
    if table.empty or not {up.name, across.name} <= set(table.columns):
        pruned = table.head(0)
    else:
        pruned = _finite(table[table[STATE] == "pruned"], up.name, across.name)
    pruned, beyond = _in_sight(pruned, rows, up)
    choices = marks(best_rows, objectives)
    few = len(table) <= MOST_DESCRIBED
    rest = rows[~rows[TRIAL].isin(best_rows[TRIAL])]
    traces = []
    if len(pruned):
        grey = {
            "color": LIGHT["pruned"],
            "size": 6,
            "symbol": "x-thin-open",
            "line": {"width": 1.5},
        }
        traces.append(_points(pruned, up, across, "pruned", grey, full=few))
    if len(rest):
        faint = {"color": LIGHT["complete"], "size": 7, "opacity": 0.7}
        traces.append(_points(rest, up, across, "complete", faint, full=few))
    if len(best_rows):
        best_rows = best_rows.sort_values(across.name)
        dots = {"color": LIGHT["front"], "size": 9}
        trace = _points(best_rows, up, across, "front", dots, directory, choices)
        if len(objectives) == 2:
            trace.mode = "lines+markers"
            trace.line = {
                "shape": "vh" if across.maximize else "hv",
                "color": LIGHT["front"],
                "width": 1.5,
            }
        traces.append(trace)
    if best is not None and len(marked := rows[rows[TRIAL] == best]):
        ring = {"color": LIGHT["best"], "size": 17, "symbol": "circle-open", "line": {"width": 2.5}}
        traces.append(_points(marked, up, across, f"best: trial {best}", ring, directory, choices))
    points = _values(pd.concat([rows, pruned]), up, across)
    reading = _reading(rows, best_rows, objectives, across)
    if beyond:
        reading += f" Not drawn: {plural(beyond, 'pruned trial')} of a far worse {label(up.name)}."
    if attainment is not None and len(best_rows):
        traces = attainment_traces(attainment, _values(best_rows, up, across)) + traces
        points = np.concatenate([points, *attainment.surfaces.values()])
        reading += f" {attainment_reading(attainment)}"
    x, y = axis(across.name, points[:, 1]), axis(up.name, points[:, 0])
    return Panel(TITLE, figure(traces, x=x, y=y), reading)


def _in_sight(
    pruned: pd.DataFrame, complete: pd.DataFrame, up: Objective
) -> tuple[pd.DataFrame, int]:
    """The pruned trials that are drawn, and how many are too far off."""
    if complete.empty or up.maximize or (worst := complete[up.name].max()) <= 0:
        return pruned, 0
    near = pruned[up.name] <= FARTHEST * worst
    return pruned[near], int((~near).sum())


def _values(rows: pd.DataFrame, up: Objective, across: Objective) -> Floats:
    """Values `[r, 2]`, the one drawn up first."""
    if rows.empty:
        return np.empty((0, 2))
    values: Floats = rows[[up.name, across.name]].to_numpy(dtype=float, na_value=np.nan)
    return values


def _finite(rows: pd.DataFrame, *names: str) -> pd.DataFrame:
    values = rows[list(names)].to_numpy(dtype=float, na_value=np.nan)
    return rows[np.isfinite(values).all(axis=1)]


def _points(
    rows: pd.DataFrame,
    up: Objective,
    across: Objective,
    name: str,
    marker: dict[str, Any],
    directory: str = "",
    marked: Mapping[int, Sequence[str]] = _NONE,
    *,
    full: bool = True,
) -> go.Scatter:
    return go.Scatter(
        x=rows[across.name].to_list(),
        y=rows[up.name].to_list(),
        mode="markers",
        name=name,
        marker=marker,
        customdata=rows[[TRIAL]].to_numpy(dtype=int).tolist(),
        text=[
            _about(row, directory, ", ".join(marked.get(row[TRIAL], ())))
            if full
            else f"trial {row[TRIAL]}"
            for row in rows.to_dict("records")
        ],
        hovertemplate=(
            f"%{{text}}<br>{label(up.name)} %{{y:{_format(up)}}}, "
            f"{label(across.name)} %{{x:{_format(across)}}}<extra></extra>"
        ),
    )


def _about(row: Mapping[Hashable, Any], directory: str, marked: str) -> str:
    """A trial in a few lines: its number, both sides, and how it is loaded."""
    lines = []
    for side, family, params, widths in SIDES:
        if pd.notna(row.get(params)):
            of_layers = row.get(widths)
            named = f", {of_layers}" if isinstance(of_layers, str) and of_layers else ""
            lines.append(f"{side} {row.get(family)}, {int(row[params]):,} parameters{named}")
    if pd.notna(row.get(DECODER_SHARE)):
        lines.append(f"decoder share {percent(row[DECODER_SHARE])}")
    if directory:
        lines.append(f"asymnas.Run.open({directory!r}).trained({row[TRIAL]}).load()")
    heading = f"<b>trial {row[TRIAL]}</b>" + (f", {marked}" if marked else "")
    return "<br>".join([heading, *(html.escape(line, quote=False) for line in lines)])


def _format(objective: Objective) -> str:
    return "," if objective.name in COUNT_COLUMNS else ".4g"


def _reading(
    rows: pd.DataFrame,
    best_rows: pd.DataFrame,
    objectives: Sequence[Objective],
    across: Objective,
) -> str:
    if best_rows.empty:
        return "No trial has completed yet, so there is no front."
    up = objectives[0]
    better = f"{'upper' if up.maximize else 'lower'} {'right' if across.maximize else 'left'}"
    whole = plural(len(rows), "completed architecture")
    ends = [
        f"{label(up.name)} {value(up.name, row[up.name])} at "
        f"{value(across.name, row[across.name])} {label(across.name)} "
        f"(decoder {percent(row[DECODER_SHARE])})"
        for _, row in best_rows.iloc[[0, -1]].iterrows()
    ]
    if len(rows) == 1:
        return f"One architecture has completed: {ends[0]}. Better is to the {better}."
    if len(best_rows) == 1:
        return f"The front is one of {whole}: {ends[0]}. Better is to the {better}."
    if len(objectives) > 2:
        names = ", ".join(label(o.name) for o in objectives)
        return (
            f"{len(best_rows)} of {whole} form the front in {names}, shown in the first two. "
            f"Better is to the {better}."
        )
    return (
        f"{len(best_rows)} of {whole} form the front, from {ends[0]} to {ends[1]}. "
        f"Better is to the {better}."
    )


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

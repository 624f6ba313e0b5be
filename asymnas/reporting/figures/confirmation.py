"""Contenders compared seed by seed."""

import math
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

import plotly.graph_objects as go

from asymnas.analysis.estimates import Comparison, Contender, Outcome
from asymnas.core.text import (
    change,
    joined,
    plural,
    rounded,
    with_span,
)
from asymnas.reporting.content import Panel
from asymnas.reporting.figures.style import LIGHT, figure

TITLE = "The contenders, seed by seed"
ROW = 84  # pixels; the rest are places in a row of height 1, downwards
TOP, SEEDS, ESTIMATE, FOOT = 0.28, 0.47, 0.72, 0.92
COLORS: Mapping[Outcome, str] = {
    "better": "front",
    "worse": "decoder",
    "equivalent": "encoder",
    "undecided": "muted",
}
FAR = 20  # regions of practical equivalence: what is farther off compresses the axis
STEPS = [float(f"{step}e{power}") for power in range(-4, 4) for step in (1, 2, 5)]


class DifferenceAxis:
    """Linear, or with a difference far beyond the margins linear near zero and logarithmic far off.

    Args:
        comparisons: The comparisons to show, at least one.
    """

    def __init__(self, comparisons: Sequence[Comparison]) -> None:
        ends = [d for c in comparisons for d in (*c.differences.values(), c.margin, -c.margin)]
        for c in comparisons:
            ends += [e for e in (c.difference.low, c.difference.high) if e is not None]
        ends = [end for end in ends if math.isfinite(end)]
        self._unit = max(c.margin for c in comparisons) or 0.01
        self.compressed = max(map(abs, ends), default=0.0) > FAR * self._unit
        low, high = self.place(min(ends, default=0.0)), self.place(max(ends, default=0.0))
        padding = 0.07 * (high - low) or 1.0
        self._range = (low - padding, high + padding)

    def place(self, difference: float) -> float:
        """Where a relative difference stands."""
        return math.asinh(difference / self._unit) if self.compressed else difference

    def places(self) -> list[float]:
        """Where the ticks stand."""
        return [self.place(tick) for tick in self._ticks()]

    def layout(self) -> dict[str, Any]:
        """The axis as Plotly's layout takes it."""
        return {
            "range": list(self._range),
            "tickvals": self.places(),
            "ticktext": [rounded(tick, sign=True) for tick in self._ticks()],
        }

    def _ticks(self) -> list[float]:
        low, high = self._range
        least = (high - low) / 6
        if not self.compressed:
            step = next((step for step in STEPS if step >= least), STEPS[-1])
            return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
        kept = [0.0]
        for size in STEPS:
            for tick in (size, -size):
                apart = min(abs(self.place(tick) - self.place(other)) for other in kept)
                if low <= self.place(tick) <= high and apart >= least * 0.8:
                    kept.append(tick)
        return sorted(kept)


def confirmation_panel(contenders: Sequence[Contender], comparisons: Sequence[Comparison]) -> Panel:
    """By how much the second of each pair is worse than the first: each seed, and all together.

    One row per comparison: dots are seeds, the diamond the Hodges-Lehmann estimate with its
    interval, the shaded region what makes no difference that matters.

    Args:
        contenders: Of a confirmation.
        comparisons: Of these, the most telling first.
    """
    shown = [comparison for comparison in comparisons if comparison.differences]
    if not shown:
        return Panel(TITLE, figure([], x={}, y={}), "No two contenders share a finished seed yet.")
    axis = DifferenceAxis(shown)
    traces = [_seeds(shown, axis), *_legend()]
    for row, comparison in enumerate(shown):
        traces += _estimate(comparison, row, axis)
    title = "\N{LEFTWARDS ARROW} second better \N{MIDDLE DOT} test loss \N{MIDDLE DOT} first better"
    x = {"title": {"text": f"{title} \N{RIGHTWARDS ARROW}"}, **axis.layout(), "showgrid": False}
    y = {"range": [len(shown), -0.02], "visible": False}
    drawn = figure(traces, x=x, y=y)
    for row, comparison in enumerate(shown):
        _dress(drawn, row, comparison, axis)
    drawn.update_layout(height=120 + ROW * len(shown), margin={"l": 8, "t": 48})
    return Panel(TITLE, drawn, _reading(contenders, shown, axis.compressed))


def _seeds(shown: Sequence[Comparison], axis: DifferenceAxis) -> go.Scatter:
    points = [
        (axis.place(difference), row + SEEDS, seed, change(difference))
        for row, comparison in enumerate(shown)
        for seed, difference in comparison.differences.items()
    ]
    return go.Scatter(
        x=[x for x, *_ in points],
        y=[y for _, y, *_ in points],
        mode="markers",
        name="one seed",
        marker={"color": LIGHT["complete"], "size": 8, "opacity": 0.75},
        customdata=[[seed, text] for *_, seed, text in points],
        hovertemplate="seed %{customdata[0]}: %{customdata[1]}<extra></extra>",
    )


def _legend() -> list[go.Scatter]:
    """Entries for what differs in colour from row to row, or is a shape."""
    marks: Mapping[str, dict[str, Any]] = {
        "all seeds": {"symbol": "diamond", "size": 11, "color": LIGHT["muted"]},
        "no difference that matters": {"symbol": "square", "size": 13, "color": LIGHT["grid"]},
    }
    return [
        go.Scatter(x=[None], y=[None], mode="markers", name=name, marker=marker)
        for name, marker in marks.items()
    ]


def _estimate(comparison: Comparison, row: int, axis: DifferenceAxis) -> list[go.Scatter]:
    difference, color = comparison.difference, LIGHT[COLORS[comparison.outcome]]
    if difference.estimate is None:
        return []
    text = with_span(difference, change)
    common: dict[str, Any] = {"showlegend": False, "hovertemplate": f"{text}<extra></extra>"}
    marks = go.Scatter(
        x=[axis.place(difference.estimate)],
        y=[row + ESTIMATE],
        mode="markers",
        name="estimate",
        marker={"color": color, "size": 12, "symbol": "diamond"},
        **common,
    )
    if difference.low is None or difference.high is None:
        return [marks]
    ends = [axis.place(difference.low), axis.place(difference.high)]
    line = {"color": color, "width": 3}
    y = [row + ESTIMATE] * 2
    return [go.Scatter(x=ends, y=y, mode="lines", name="interval", line=line, **common), marks]


def _dress(drawn: go.Figure, row: int, comparison: Comparison, axis: DifferenceAxis) -> None:
    """A row's heading, its grid and its region of practical equivalence."""
    high, low = row + TOP, row + FOOT
    edges = (axis.place(-comparison.margin), axis.place(comparison.margin))
    region = {"fillcolor": LIGHT["grid"], "line_width": 0, "layer": "below"}
    drawn.add_shape(type="rect", x0=edges[0], x1=edges[1], y0=high, y1=low, **region)
    for place in axis.places():
        line = {"color": LIGHT["muted" if place == 0 else "grid"], "width": 1}
        drawn.add_shape(type="line", x0=place, x1=place, y0=high, y1=low, line=line, layer="below")
    heading = f"<b>{comparison.first}</b> against <b>{comparison.second}</b>: {comparison.outcome}"
    if comparison.difference.estimate is not None:
        heading += f", {change(comparison.difference.estimate)}"
    drawn.add_annotation(
        text=heading,
        **{"x": 0, "xref": "paper", "xanchor": "left", "y": high, "yanchor": "bottom"},
        showarrow=False,
        font={"color": LIGHT["ink"]},
    )


def _reading(contenders: Sequence[Contender], shown: Sequence[Comparison], compressed: bool) -> str:
    means = {c.name: mean(c.scores.values()) for c in contenders if c.scores}
    sentences = [f"{_outcomes(shown)}."]
    if means:
        lowest = min(means, key=means.__getitem__)
        sentences.insert(
            0, f"Of {plural(len(means), 'contender')}, {lowest} has the lowest mean test loss."
        )
    if all(comparison.pairs < 6 for comparison in shown):
        sentences.append("Fewer than six seeds allow no verdict, whatever the dots look like.")
    levels = sorted({rounded(c.difference.level) for c in shown if c.difference.low is not None})
    region = f"in the shaded region (±{rounded(max(c.margin for c in shown))}) differences do not "
    region += "matter"
    sentences.append(
        f"Bars are {joined(levels)} intervals; {region}." if levels else f"I{region[1:]}."
    )
    if compressed:
        sentences.append("Far from zero the axis is logarithmic.")
    return " ".join(sentences)


def _outcomes(shown: Sequence[Comparison]) -> str:
    """`On the same seeds, best is better than symmetric and mirror; 1 of 3 stays undecided`."""
    verbs = {"better": "is better than", "worse": "is worse than", "equivalent": "is equivalent to"}
    seconds: dict[tuple[str, str], list[str]] = {}
    for c in shown:
        if c.outcome in verbs:
            seconds.setdefault((c.first, verbs[c.outcome]), []).append(c.second)
    parts = [f"{first} {verb} {joined(names)}" for (first, verb), names in seconds.items()]
    undecided = sum(c.outcome == "undecided" for c in shown)
    if not parts:
        return "On the same seeds, nothing is decided"
    rest = f"{undecided} of {len(shown)} {'stays' if undecided == 1 else 'stay'} undecided"
    return f"On the same seeds, {'; '.join([*parts, rest] if undecided else parts)}"

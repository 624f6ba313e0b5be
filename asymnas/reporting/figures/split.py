"""What a share costs: loss against the decoder's share, budget by budget."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from asymnas.analysis.estimates import COUNTED, SplitInference
from asymnas.core.text import change, percent, rounded, share_span, short, with_span
from asymnas.reporting.figures.axes import share_axis
from asymnas.reporting.figures.split_reading import split_reading
from asymnas.reporting.figures.split_strip import Strip, strip_of, strip_traces
from asymnas.reporting.figures.style import LIGHT, Panel, figure

TITLE = "What a share costs"
STRIP, HEADING, TOP, BOTTOM = 170, 44, 40, 56  # heights in pixels
FENCE = 3  # interquartile ranges above the third quartile: farther out is far out
TICKS = (0.0, *(step * 10.0**power for power in range(-2, 3) for step in (1, 2, 3, 5)))


def split_panel(table: pd.DataFrame, inference: SplitInference) -> Panel:
    """Loss above each budget's lowest fitted loss, in per cent, against the decoder's share.

    One strip a budget, all on the same axes, so that the best shares can be compared down the
    page and the cost of a share across budgets. A strip holds the runs, the fitted law with its
    band, and at its foot the best share with its interval on the shares that are nearly as good.

    Args:
        table: A trial table of the sweep.
        inference: What was inferred from it.
    """
    strips = [strip_of(table, split, inference.sizes) for split in inference.budgets]
    ratios = np.concatenate([np.empty(0), *(r for s in strips for r in (s.runs, s.law))])
    ratios = ratios[np.isfinite(ratios) & (ratios > 0)]
    if not len(ratios):
        return Panel(TITLE, figure([], x={}, y={}), split_reading(inference))
    bands = np.concatenate([np.ones(1), *(s.low for s in strips)])
    lowest = min(ratios.min(), max(np.nanmin(bands), 0.5))  # a band may be wide, the runs are not
    ceiling = _ceiling(strips)
    low, high = math.log(lowest), math.log(max(min(ratios.max(), ceiling), 1.02))
    room = high - low
    traces: list[go.Scatter] = []
    for place, strip in enumerate(strips):
        for trace in strip_traces(strip, math.exp(low - 0.12 * room), ceiling):
            first = all(trace.name != earlier.name for earlier in traces)
            trace.update(
                yaxis=f"y{place + 1}" if place else "y",
                legendgroup=trace.name,
                showlegend=first and trace.name != "band",
            )
            traces.append(trace)
    shown = figure(traces, x=share_axis(_share(inference), *_across(strips)), y={})
    _arrange(shown, strips, inference, (low - 0.24 * room, high + 0.05 * room))
    beyond = sum(int((strip.runs > ceiling).sum()) for strip in strips)
    return Panel(TITLE, shown, split_reading(inference) + _off_scale(beyond))


def _ceiling(strips: Sequence[Strip]) -> float:
    """The relative loss above which a run stands at the frame: it would flatten all the rest."""
    runs = np.concatenate([np.empty(0), *(strip.runs for strip in strips)])
    laws = np.concatenate([np.ones(1), *(strip.law for strip in strips)])
    if not len(runs):
        return math.inf
    first, third = np.quantile(np.log(runs), [0.25, 0.75])
    fence = third + FENCE * (third - first)
    return max(math.exp(fence), float(np.nanmax(laws)))


def _off_scale(beyond: int) -> str:
    if not beyond:
        return ""
    noun = "run lies" if beyond == 1 else "runs lie"
    return f" {beyond} {noun} far above the frame, at its upper edge: see how they went."


def _share(inference: SplitInference) -> str:
    return "decoder share" if inference.sizes == "params" else "decoder share of the MACs"


def _across(strips: Sequence[Strip]) -> tuple[float, float]:
    shares = np.concatenate([[0.5], *(a for s in strips for a in (s.shares, s.split.curve.x))])
    shares = shares[np.isfinite(shares)]
    return float(shares.min()), float(shares.max())


def _arrange(
    shown: go.Figure, strips: Sequence[Strip], inference: SplitInference, ends: tuple[float, float]
) -> None:
    """Stacks the strips, each with its heading, and draws one half through all of them."""
    inner = len(strips) * (STRIP + HEADING)
    ticks = _ticks(*ends)
    axis = {
        **shown.layout.yaxis.to_plotly_json(),
        "type": "log",
        "range": [end / math.log(10) for end in ends],
        "tickvals": [1 + tick for tick in ticks],
        "ticktext": [rounded(tick, sign=True) for tick in ticks],
        "title": {"text": "above the lowest", "standoff": 8, "font": {"size": 13}},
    }
    for place, strip in enumerate(strips):
        top = 1 - (place * (STRIP + HEADING) + HEADING) / inner
        domain = [max(0.0, top - STRIP / inner), top]
        shown.layout[f"yaxis{place + 1}" if place else "yaxis"] = {**axis, "domain": domain}
        shown.add_annotation(
            text=_heading(strip, inference),
            **{"x": 0, "xref": "paper", "xanchor": "left", "align": "left", "showarrow": False},
            **{"y": top, "yref": "paper", "yanchor": "bottom", "yshift": 2},
            font={"color": LIGHT["ink"]},
        )
        line = {"color": LIGHT["muted"], "width": 1, "dash": "dash"}
        shown.add_shape(type="line", x0=0.5, x1=0.5, y0=domain[0], y1=top, yref="paper", line=line)
    shown.layout.xaxis.anchor = f"y{len(strips)}" if len(strips) > 1 else "y"
    shown.update_layout(
        height=inner + TOP + BOTTOM,
        margin={"t": TOP, "b": BOTTOM},
        legend={"y": 1, "yanchor": "bottom"},
    )


def _heading(strip: Strip, inference: SplitInference) -> str:
    split = strip.split
    told = f"<b>{short(split.budget)} {COUNTED[inference.sizes]}</b>"
    if split.cost_of_symmetry.estimate is not None:
        told += f": one half costs {change(split.cost_of_symmetry.estimate)}"
    if split.share.estimate is not None:
        best = f"best at {percent(split.share.estimate)}"
        told += f"<br>{with_span(best, share_span(split.share))}"
    return told


def _ticks(low: float, high: float) -> list[float]:
    """Relative differences to name on an axis of log ratios: few enough not to touch."""
    kept: list[float] = []
    for tick in TICKS:
        place = math.log1p(tick)
        if place <= high and (not kept or place - math.log1p(kept[-1]) > (high - low) / 8):
            kept.append(tick)
    return kept

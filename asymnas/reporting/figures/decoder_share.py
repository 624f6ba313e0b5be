"""What a share costs: loss against the decoder's share, budget by budget."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from asymnas.analysis.estimates import EVEN, BudgetShare, Floats, Interval, ShareInference, Sizes
from asymnas.analysis.rows import counting
from asymnas.core.columns import (
    BUDGET,
    DECODER_SHARE,
    MIRRORED,
    STATE,
    STRUCTURE,
    TARGET_SHARE,
    VAL_LOSS,
)
from asymnas.core.text import change, percent, plural, rounded, short, span, with_span
from asymnas.reporting.content import Panel
from asymnas.reporting.figures.style import LIGHT, figure, share_axis
from asymnas.reporting.verdicts import COUNTED, cautions

TITLE = "What a share costs"
STRIP, HEADING, TOP, BOTTOM = 170, 44, 40, 56  # heights in pixels
FENCE = 3  # interquartile ranges above the third quartile: farther out is far out
TICKS = (0.0, *(step * 10.0**power for power in range(-2, 3) for step in (1, 2, 3, 5)))


@dataclass(frozen=True)
class Strip:
    """Losses over the lowest fitted loss of the budget: 1 is as low as it gets.

    Args:
        entry: What was inferred of the budget.
        shares: Of the runs, `[r]`.
        runs: Their relative losses, `[r]`.
        law: Relative losses of the fit, `[m]`; empty without one.
        low: Lower end of its band, `[m]`.
        high: Upper end, `[m]`.
    """

    entry: BudgetShare
    shares: Floats
    runs: Floats
    law: Floats
    low: Floats
    high: Floats


def share_panel(table: pd.DataFrame, inference: ShareInference) -> Panel:
    """Loss above each budget's lowest fitted loss, in per cent, against the decoder's share.

    One strip per budget, all on the same axes, so that the best shares can be compared down the
    page and the cost of a share across budgets. A strip holds the runs, the fitted law with its
    band, and at its foot the best share with its interval on the shares that are nearly as good.

    Args:
        table: A trial table of the sweep.
        inference: What was inferred from it.
    """
    strips = [strip_of(table, entry, inference.sizes) for entry in inference.budgets]
    ratios = np.concatenate([np.empty(0), *(r for s in strips for r in (s.runs, s.law))])
    ratios = ratios[np.isfinite(ratios) & (ratios > 0)]
    if not len(ratios):
        return Panel(TITLE, figure([], x={}, y={}), share_reading(inference))
    bands = np.concatenate([np.ones(1), *(s.low for s in strips)])
    lowest = min(ratios.min(), max(np.nanmin(bands), 0.5))  # a band may be wide, the runs are not
    ceiling = _ceiling(strips)
    low, high = math.log(lowest), math.log(max(min(ratios.max(), ceiling), 1.02))
    extent = high - low
    traces: list[go.Scatter] = []
    for place, strip in enumerate(strips):
        for trace in strip_traces(strip, math.exp(low - 0.12 * extent), ceiling):
            first = all(trace.name != earlier.name for earlier in traces)
            trace.update(
                yaxis=f"y{place + 1}" if place else "y",
                legendgroup=trace.name,
                showlegend=first and trace.name != "band",
            )
            traces.append(trace)
    shown = figure(traces, x=share_axis(_axis_title(inference), *_across(strips)), y={})
    _arrange(shown, strips, inference, (low - 0.24 * extent, high + 0.05 * extent))
    beyond = sum(int((strip.runs > ceiling).sum()) for strip in strips)
    return Panel(TITLE, shown, share_reading(inference) + _off_scale(beyond))


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


def _axis_title(inference: ShareInference) -> str:
    return "decoder share" if inference.sizes == "params" else "decoder share of the MACs"


def _across(strips: Sequence[Strip]) -> tuple[float, float]:
    shares = np.concatenate([[0.5], *(a for s in strips for a in (s.shares, s.entry.curve.x))])
    shares = shares[np.isfinite(shares)]
    return float(shares.min()), float(shares.max())


def _arrange(
    shown: go.Figure, strips: Sequence[Strip], inference: ShareInference, ends: tuple[float, float]
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


def _heading(strip: Strip, inference: ShareInference) -> str:
    entry = strip.entry
    heading = f"<b>{short(entry.budget)} {COUNTED[inference.sizes]}</b>"
    if entry.cost_of_even_split.estimate is not None:
        heading += f": an even split costs {change(entry.cost_of_even_split.estimate)}"
    if entry.share.estimate is not None:
        heading += f"<br>best at {with_span(entry.share, percent)}"
    return heading


def _ticks(low: float, high: float) -> list[float]:
    """Relative differences to name on an axis of log ratios: few enough not to touch."""
    kept: list[float] = []
    for tick in TICKS:
        place = math.log1p(tick)
        if place <= high and (not kept or place - math.log1p(kept[-1]) > (high - low) / 8):
            kept.append(tick)
    return kept


def strip_of(table: pd.DataFrame, entry: BudgetShare, sizes: Sizes) -> Strip:
    """The strip of one budget; with budgets of MACs, which no run has exactly, without runs.

    Args:
        table: A trial table of the sweep.
        entry: What was inferred of the budget.
        sizes: What share and budget are of.
    """
    rows = sweep_runs(table if sizes == "params" else table.head(0))
    rows = rows[rows[BUDGET] == entry.budget] if len(rows) else rows
    losses = _losses(rows, entry) if len(rows) else np.empty(0)
    shares = rows[DECODER_SHARE].to_numpy(dtype=float) if len(rows) else np.empty(0)
    fitted = entry.curve.y[np.isfinite(entry.curve.y)]
    lowest = float(fitted.min()) if len(fitted) else float(losses.min()) if len(losses) else 1.0
    curves = (entry.curve.y, entry.curve.low, entry.curve.high)
    law, low, high = (curve / lowest for curve in curves)
    return Strip(entry, shares, losses / lowest, law, low, high)


def _losses(rows: pd.DataFrame, entry: BudgetShare) -> Floats:
    """The runs' losses; of a blocked sweep, as if every structure had the fitted loss at one half.

    Structures differ ten times more than shares: only differences within them can be seen.
    """
    losses: Floats = rows[VAL_LOSS].to_numpy(dtype=float)
    if not entry.structures:
        return losses
    even = rows[(rows[TARGET_SHARE] == EVEN) & ~rows[MIRRORED].astype(bool)]
    levels = np.exp(np.log(even[VAL_LOSS].astype(float)).groupby(even[STRUCTURE]).mean())
    at_half = float(np.interp(EVEN, entry.curve.x, entry.curve.y))
    result: Floats = losses / rows[STRUCTURE].map(levels).to_numpy(dtype=float) * at_half
    return result


def sweep_runs(table: pd.DataFrame) -> pd.DataFrame:
    """The runs that count: complete, measured and not tuning, with a positive loss and a budget."""
    if table.empty or not {BUDGET, STATE, VAL_LOSS} <= set(table.columns):
        return table.head(0)
    losses = table[VAL_LOSS].to_numpy(dtype=float, na_value=np.nan)
    kept = (table[STATE] == "complete") & np.isfinite(losses) & (losses > 0)
    if MIRRORED in table:  # a mirrored decoder is another question than the share
        kept &= ~table[MIRRORED].eq(True)
    return counting(table[kept & table[BUDGET].notna()])


def strip_traces(strip: Strip, foot: float, ceiling: float) -> list[go.Scatter]:
    """A strip's traces from the back to the front, named by what they are.

    Args:
        strip: Of one budget.
        foot: The relative loss at whose height the best share stands.
        ceiling: The relative loss at whose height runs above it stand.
    """
    traces = [_band(strip)] if np.isfinite([strip.low, strip.high]).all() else []
    inside = strip.runs <= ceiling
    if inside.any():
        marker = {"color": LIGHT["complete"], "size": 5, "opacity": 0.6}
        shares, runs = strip.shares[inside], strip.runs[inside]
        traces.append(_points("run", shares, runs, mode="markers", marker=marker))
    if not inside.all():
        marker = {"color": LIGHT["complete"], "size": 8, "symbol": "triangle-up"}
        far = _points("far above", strip.shares[~inside], strip.runs[~inside], mode="markers")
        far.update(y=[ceiling] * int((~inside).sum()), marker=marker)
        traces.append(far)
    x = strip.entry.curve.x
    if len(strip.law):
        line = {"color": LIGHT["front"], "width": 2.2}
        name = "fitted curve" if strip.entry.structures else "fitted law"
        traces.append(_points(name, x, strip.law, mode="lines", line=line))
    return [*traces, *_within(strip.entry, foot), *_best(strip.entry.share, foot)]


def _points(name: str, x: Floats, y: Floats, **style: object) -> go.Scatter:
    return go.Scatter(
        x=x.tolist(),
        y=y.tolist(),
        name=name,
        customdata=[change(ratio - 1) for ratio in y],
        hovertemplate=f"{name}<br>decoder share %{{x:.0%}}<br>%{{customdata}}<extra></extra>",
        **style,
    )


def _band(strip: Strip) -> go.Scatter:
    x = strip.entry.curve.x.tolist()
    return go.Scatter(
        x=[*x, *x[::-1]],
        y=[*strip.high.tolist(), *strip.low.tolist()[::-1]],
        mode="none",
        name="band",
        fill="toself",
        fillcolor=LIGHT["front"],
        opacity=0.18,
        showlegend=False,
        hoverinfo="skip",
    )


def _within(entry: BudgetShare, foot: float) -> list[go.Scatter]:
    """The shares that are nearly as good, as a bar."""
    if entry.within.low is None or entry.within.high is None:
        return []
    name = f"within {rounded(entry.tolerance)} of the lowest"
    return [
        go.Scatter(
            x=[entry.within.low, entry.within.high],
            y=[foot, foot],
            mode="lines",
            name=name,
            line={"color": LIGHT["pruned"], "width": 9},
            hovertemplate=f"{name}: {span(entry.within, percent)}<extra></extra>",
        )
    ]


def _best(share: Interval, foot: float) -> list[go.Scatter]:
    if share.estimate is None:
        return []
    return [
        go.Scatter(
            x=[share.estimate],
            y=[foot],
            mode="markers",
            name="best share",
            marker={"color": LIGHT["best"], "size": 10, "symbol": "diamond"},
            error_x=_bars(share, LIGHT["best"]),
            hovertemplate=f"best share {with_span(share, percent)}<extra></extra>",
        )
    ]


def _bars(interval: Interval, color: str) -> dict[str, object] | None:
    if interval.estimate is None or interval.low is None or interval.high is None:
        return None
    return {
        "type": "data",
        "symmetric": False,
        "array": [interval.high - interval.estimate],
        "arrayminus": [interval.estimate - interval.low],
        "thickness": 2,
        "width": 5,
        "color": color,
    }


def share_reading(inference: ShareInference) -> str:
    """Where the loss is lowest, how sure that is, and what one half costs, in two sentences or so.

    Args:
        inference: What was inferred from a sweep.
    """
    estimated = [entry for entry in inference.budgets if entry.share.estimate is not None]
    if not estimated:
        why = [*cautions(inference), "There are too few runs."]
        return f"No best share can be inferred. {why[0]}"
    reading = _of_one(estimated[0], inference) if len(estimated) == 1 else _of_many(estimated)
    if edges := [short(entry.budget) for entry in estimated if entry.at_edge]:
        reading += (
            f" At {', '.join(edges)} the best share is at the edge of the shares trained: the "
            "optimum may lie beyond."
        )
    if apart := [s for s in estimated if s.share.overlaps(s.cross_check) is False]:
        checks = [f"{short(s.budget)}: {with_span(s.cross_check, percent)}" for s in apart]
        reading += f" The Gaussian process, which assumes no law, disagrees at {', '.join(checks)}."
    return reading


def _of_one(entry: BudgetShare, inference: ShareInference) -> str:
    reading = (
        f"At {short(entry.budget)} {COUNTED[inference.sizes]} the loss is lowest with "
        f"{percent(entry.share.estimate or 0)} in the decoder"
    )
    if entry.share.low is None:
        reading += "; there are too few architectures for an interval."
    else:
        half = "includes one half" if entry.share.contains(0.5) else "leaves out one half"
        reading += (
            f"; the {rounded(entry.share.level)} interval, {span(entry.share, percent)}, {half}."
        )
    if entry.within.low is not None:
        reading += (
            f" From {span(entry.within, percent)} it is within {rounded(entry.tolerance)} of that."
        )
    cost = entry.cost_of_even_split
    if cost.estimate is not None:
        reading += f" An even split costs {with_span(cost, change)}."
    return reading


def _of_many(entries: list[BudgetShare]) -> str:
    shares = [entry.share.estimate or 0 for entry in entries]
    reading = f"Over {plural(len(entries), 'budget')} the loss is lowest with "
    low, high = percent(min(shares)), percent(max(shares))
    reading += f"{low} in the decoder" if low == high else f"{low} to {high} in the decoder"
    sure = [entry for entry in entries if entry.share.low is not None]
    if not sure:
        reading += "; there are too few architectures for intervals."
    else:
        apart = sum(not entry.share.contains(0.5) for entry in sure)
        reading += f"; the interval leaves out one half at {apart} of {len(sure)}."
    estimates = [entry.cost_of_even_split.estimate for entry in entries]
    if costs := [estimate for estimate in estimates if estimate is not None]:
        reading += f" An even split costs {change(min(costs))} to {change(max(costs))}."
    return reading

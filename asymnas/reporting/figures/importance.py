"""Which choices the loss depended on, as bars."""

import plotly.graph_objects as go

from asymnas.analysis.importance import CHOICE, IMPORTANCE, SPREAD, Importance
from asymnas.core.labels import label
from asymnas.core.text import percent, plural, short
from asymnas.reporting.content import Panel
from asymnas.reporting.figures.style import LIGHT, figure

TITLE = "What the loss depended on"
MOST_BARS = 12


def importance_panel(importance: Importance) -> Panel:
    """The most important choices, the first on top, coloured by the side they belong to.

    Args:
        importance: From `asymnas.analysis.importance.importances`.
    """
    scores = importance.scores.head(MOST_BARS)
    if scores.empty:
        return Panel(
            TITLE,
            figure([], x={}, y={}),
            "Too few comparable trials to judge which choices mattered: it takes at least ten "
            "completed ones.",
        )
    names = [label(choice) for choice in scores[CHOICE]]
    traces = []
    for side in ("encoder", "decoder", "both"):
        kept = [_side(choice) == side for choice in scores[CHOICE]]
        rows = scores[kept]
        if len(rows):
            traces.append(
                go.Bar(
                    x=rows[IMPORTANCE].clip(lower=0).to_list(),
                    y=[label(choice) for choice in rows[CHOICE]],
                    orientation="h",
                    name=side if side != "both" else "both sides",
                    marker={"color": LIGHT[side if side != "both" else "front"]},
                    error_x={
                        "array": rows[SPREAD].to_list(),
                        "color": LIGHT["muted"],
                        "thickness": 1,
                        "width": 0,
                    },
                    hovertemplate="%{y}: %{x:.0%}<extra></extra>",
                )
            )
    bars = figure(
        traces,
        x={
            "title": {"text": "share of variance"},
            "tickformat": ".0%",
            "rangemode": "tozero",
        },
        y={"categoryorder": "array", "categoryarray": names[::-1], "showgrid": False},
    )
    bars.update_layout(height=130 + 30 * len(names), bargap=0.35)
    return Panel(TITLE, bars, _reading(importance))


def _side(choice: str) -> str:
    side = choice.partition("_")[0]
    return side if side in ("encoder", "decoder") else "both"


def _reading(importance: Importance) -> str:
    judged = (
        f"{plural(importance.trials, 'trial')} compared at {short(importance.examples)} examples"
    )
    if importance.explained < 0.1:
        return f"The choices hardly explain the loss ({judged}): the order of the bars is noise."
    first = label(importance.scores[CHOICE].iloc[0])
    return (
        f"The {first} mattered most for the log loss. All choices together explain "
        f"{percent(importance.explained)} of the variance of held-out trials ({judged}); thin "
        "lines are the spread over resamples of the trials."
    )

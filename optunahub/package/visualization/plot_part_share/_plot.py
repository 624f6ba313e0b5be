"""The objective against the share of a total that one of two parts has."""

from __future__ import annotations

from collections.abc import Callable

import optuna
import plotly.graph_objects as go
from optuna.trial import FrozenTrial, TrialState


def plot_part_share(
    study: optuna.Study,
    parts: tuple[str, str] = ("encoder_params", "decoder_params"),
    *,
    target: Callable[[FrozenTrial], float] | None = None,
    target_name: str = "Objective Value",
    log_y: bool = True,
) -> go.Figure:
    """Plots complete trials by the second part's share of the sum of both.

    Args:
        study: With one objective or several.
        parts: User attributes, or parameters, of each trial that hold the sizes of the two parts.
            Trials that lack one of them are left out.
        target: What is shown of a trial; the first objective value by default.
        target_name: Its name on the axis.
        log_y: Whether its axis is logarithmic.

    Raises:
        ValueError: If no complete trial has both parts.
    """

    def size(trial: FrozenTrial, part: str) -> float | None:
        value = trial.user_attrs.get(part, trial.params.get(part))
        return None if value is None else float(value)

    def value_of(trial: FrozenTrial) -> float:
        return trial.values[0] if target is None else target(trial)

    first, second = parts
    shown: list[tuple[FrozenTrial, float]] = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        one, other = size(trial, first), size(trial, second)
        if one is not None and other is not None and one + other > 0:
            shown.append((trial, other / (one + other)))
    if not shown:
        raise ValueError(f"no complete trial has both {first!r} and {second!r}")

    best = {trial.number for trial in study.best_trials}
    figure = go.Figure()
    groups = (
        ("Trial", [pair for pair in shown if pair[0].number not in best], "circle"),
        ("Best Trial", [pair for pair in shown if pair[0].number in best], "diamond"),
    )
    for name, group, symbol in groups:
        figure.add_scatter(
            x=[share for _, share in group],
            y=[value_of(trial) for trial, _ in group],
            text=[f"Trial {trial.number}" for trial, _ in group],
            hovertemplate="%{text}<br>share %{x:.2f}<br>%{y:.4g}<extra></extra>",
            mode="markers",
            marker={"symbol": symbol, "size": 9},
            name=name,
        )
    figure.add_vline(x=0.5, line={"dash": "dot", "width": 1})
    figure.update_layout(
        title="Share of the Parts",
        xaxis={"title": f"{second} / ({first} + {second})", "range": [0, 1]},
        yaxis={"title": target_name, "type": "log" if log_y else "linear"},
    )
    return figure

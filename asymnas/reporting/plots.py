"""The figures of a run, each from the run alone: for the report, and for a notebook."""

from typing import Any

import plotly.graph_objects as go

from asymnas.analysis.importance import importances
from asymnas.analysis.rows import of_whole_replicates
from asymnas.analysis.search_share import decoder_share
from asymnas.analysis.several_fronts import attainment
from asymnas.core import columns as t
from asymnas.core.errors import StudyError
from asymnas.core.files import from_here
from asymnas.reporting.content import Panel
from asymnas.reporting.figures.curves import curves_panel
from asymnas.reporting.figures.decoder_share import share_panel
from asymnas.reporting.figures.front import front_panel
from asymnas.reporting.figures.front_share import front_share_panel
from asymnas.reporting.figures.importance import importance_panel
from asymnas.reporting.figures.style import LIGHT
from asymnas.reporting.findings import share_of
from asymnas.runs.finder import as_run
from asymnas.runs.run import Run


def plot_front(source: Any) -> go.Figure:
    """The first objective of all trials against the second, or against the parameters.

    Args:
        source: A run directory, a `Run`, an Optuna study, or a storage URL; so in all `plot_`s.

    Raises:
        StudyError: No such run.
    """
    return alone(front_of(as_run(source)))


def plot_front_share(source: Any) -> go.Figure:
    """The decoder share of a search's trials against their parameters, the front set off.

    Raises:
        StudyError: No such run.
    """
    return alone(front_share_of(as_run(source)))


def plot_share(source: Any) -> go.Figure:
    """Loss against decoder share, by the run's sweep, with where the best share lies.

    Raises:
        StudyError: No such run, or it has no sweep.
    """
    run = as_run(source)
    if run.sweep is None:
        raise StudyError(
            f"{run.directory} holds no sweep, and only a sweep shows the best decoder share: run "
            "asymnas.sweep, or plot_front_share for the front of a search"
        )
    return alone(share_panel(run.sweep.measured, share_of(run.sweep)))


def plot_curves(source: Any) -> go.Figure:
    """Validation loss by training examples seen: of a search each trial's, of a sweep by budget.

    Raises:
        StudyError: No such run.
    """
    return alone(curves_of(as_run(source)))


def plot_importance(source: Any) -> go.Figure:
    """What the loss depended on most: the choices of each side, and the learning rate.

    Raises:
        StudyError: No such run.
    """
    return alone(importance_of(as_run(source)))


def front_of(run: Run) -> Panel:
    """All trials and the front; shaded where seeds of a confirmation or a sweep reach."""
    over_seeds = run.confirmation or run.sweep
    rows = of_whole_replicates(over_seeds.measured) if over_seeds else None
    surfaces = None if rows is None else attainment(rows, run.objectives)
    directory = str(from_here(run.directory)) if run.study.purpose == "search" else ""
    return front_panel(run.measured, run.objectives, best_trial(run), surfaces, directory)


def front_share_of(run: Run) -> Panel:
    """The decoder share along the front."""
    estimate = decoder_share(run.measured, run.objectives)["estimate"]
    return front_share_panel(run.measured, run.objectives, estimate)


def curves_of(run: Run) -> Panel:
    """Learning curves."""
    return curves_panel(run.measured, best_trial(run))


def importance_of(run: Run) -> Panel:
    """What the loss depended on."""
    return importance_panel(importances(run.measured, seed=int(run.config["seed"])))


def best_trial(run: Run) -> int | None:
    """The number of the trial that is best in the first objective, if any has completed."""
    return int(run.front[t.TRIAL].iloc[0]) if len(run.front) else None


def alone(panel: Panel) -> go.Figure:
    """A panel's figure with its title, on the ground that its colours are made for."""
    return panel.figure.update_layout(
        title={
            "text": panel.title,
            "font": {"color": LIGHT["ink"]},
            "yref": "container",
            "y": 0.97,
        },
        paper_bgcolor=LIGHT["surface"],
        margin_t=84,
    )

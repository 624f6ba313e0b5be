"""Plots and notes in the Optuna dashboard: what they say, and that the dashboard has them."""

import json
from types import SimpleNamespace
from typing import Any

import optuna
import optuna_dashboard
import pandas as pd
import plotly.graph_objects as go
import pytest
from made_runs import made_sweep, run_of, sweep_of

from asymnas.core import columns as t
from asymnas.reporting.dashboard_content import MOST, outcome, plots, show_in_dashboard, trial_notes
from asymnas.reporting.findings import findings_of
from asymnas.runs.study.bridge import OBJECTIVES, SearchStudy

CURVES = {
    0: [[100, 0.5], [200, 0.3]],
    1: [[100, 0.4], [200, 0.2]],
    2: [[100, 0.6]],
    3: [],
    4: [[100, 0.5], [200, 0.3]],
    5: [[100, 0.1], [200, 0.05]],
}
ROWS = pd.DataFrame(
    {
        t.TRIAL: list(CURVES),
        t.STATE: ["complete", "complete", "pruned", "failed", "complete", "complete"],
        t.DUPLICATE_OF: pd.array([pd.NA, pd.NA, pd.NA, pd.NA, 0, pd.NA], dtype="Int64"),
        t.FAILURE: ["", "", "", "the loss is <b>not</b> finite", "", ""],
        t.VAL_LOSS: [0.3, 0.2, 0.6, float("nan"), 0.3, 0.05],
        t.BUDGET: [9_000, 9_000, 9_000, 9_000, 9_000, 500],
        t.CURVE: list(CURVES.values()),
    }
)


@pytest.mark.parametrize(
    ("trial", "sentence"),
    [
        (0, "Trained to the end, validation loss 0.3."),
        (1, "Trained to the end, validation loss 0.2, on the front."),
        (
            2,
            "Pruned after 100 examples, validation loss 0.6: in the end 2 of the 2 others of its "
            "budget that came as far had a lower one there.",
        ),
        (3, "It failed: the loss is &lt;b&gt;not&lt;/b&gt; finite."),
        (4, "Not trained: it is what trial 0 was."),
    ],
)
def test_a_note_says_what_became_of_a_trial(trial: int, sentence: str) -> None:
    assert outcome(ROWS.loc[trial], ROWS, on_front=trial == 1) == sentence


def test_the_front_has_its_layers_and_every_trial_a_note(table: pd.DataFrame) -> None:
    run = run_of(table.head(6))
    notes = dict(trial_notes(run))
    assert set(notes) == set(run.own[t.TRIAL])
    with_layers = {number for number, text in notes.items() if "| side | layer |" in text}
    assert with_layers == set(run.front[t.TRIAL])


def test_of_many_trials_those_on_the_front_and_failed_ones_have_notes(table: pd.DataFrame) -> None:
    many = pd.concat([table] * (MOST // len(table) + 1), ignore_index=True)
    run = run_of(many.assign(**{t.TRIAL: range(len(many))}))
    noted = set(dict(trial_notes(run)))
    assert noted <= set(run.front[t.TRIAL]) | set(run.own[run.own[t.STATE] == "failed"][t.TRIAL])
    assert set(run.front[t.TRIAL]) <= noted


@pytest.mark.slow
@pytest.mark.essential
def test_a_sweep_shows_its_own_share() -> None:
    sweep = sweep_of(made_sweep(budgets=(20_000,), architectures=2, seeds=1))
    shown = plots(findings_of(sweep))
    assert shown["decoder-share"].layout.title.text == "What a share costs"


def test_a_run_without_results_shows_nothing(degenerate: pd.DataFrame) -> None:
    run: Any = run_of(degenerate)
    show_in_dashboard(findings_of(run))
    assert set(run.study.plots) in ({"decoder-share", "front", "learning-curves"}, set())


def test_the_dashboard_has_what_was_written() -> None:
    study = optuna.create_study()
    study.tell(study.ask(), 0.5)
    study.set_user_attr(OBJECTIVES, [{"name": "val_loss", "maximize": False}])
    ours = SearchStudy(study, study._storage)
    ours.note("of the study")
    ours.note("of the trial", 0)
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4]))
    ours.plot("front", figure, 10_000)
    ours.plot("larger", figure, 100)
    trial: Any = SimpleNamespace(
        storage=study._storage, study=study, _trial_id=study.trials[0]._trial_id
    )
    assert optuna_dashboard.get_note(study) == "of the study"
    assert optuna_dashboard.get_note(trial) == "of the trial"
    kept = study._storage.get_study_system_attrs(study._study_id)
    named = [key for key in kept if "front" in key or "larger" in key]
    assert [key for key in named if "larger" in key] == []
    assert go.Figure(json.loads("".join(kept[key] for key in named))) == figure

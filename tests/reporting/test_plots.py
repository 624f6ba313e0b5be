"""The figures of a run on their own: those of its report, with a title and a ground."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_runs import made_sweep, run_of, sweep_of

import asymnas
from asymnas import Run
from asymnas.analysis.importance import Importance
from asymnas.core import columns as t
from asymnas.core.errors import StudyError
from asymnas.reporting.content import Panel
from asymnas.reporting.figures.style import LIGHT
from asymnas.reporting.findings import findings_of
from asymnas.reporting.page import page
from asymnas.reporting.summary import summarise

PLOTS = {
    "The front": asymnas.plot_front,
    "Decoder share along the front": asymnas.plot_front_share,
    "Learning curves": asymnas.plot_curves,
    "What the loss depended on": asymnas.plot_importance,
}


SCORES = pd.DataFrame(
    {
        "choice": ["learning_rate", "encoder_depth"],
        "importance": [0.7, 0.3],
        "spread": [0.1, 0.1],
    }
)


@pytest.fixture(autouse=True)
def made_importances(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Importance(SCORES, examples=6_000, trials=20, explained=0.5)
    monkeypatch.setattr("asymnas.reporting.plots.importances", lambda table, *, seed: made)


@pytest.fixture
def search(table: pd.DataFrame) -> Run:
    return run_of(table)


def panels(run: Run) -> dict[str, Panel]:
    findings = findings_of(run)
    sections = page(findings, summarise(findings)).sections
    return {b.title: b for section in sections for b in section.body if isinstance(b, Panel)}


def test_each_is_the_figure_of_the_report(search: Run) -> None:
    shown = panels(search)
    for plot in PLOTS.values():
        figure = plot(search)
        panel = shown[figure.layout.title.text]
        assert figure.data == panel.figure.data
        assert figure.layout.paper_bgcolor == LIGHT["surface"]


def test_the_front_is_where_its_members_are(search: Run) -> None:
    (front,) = [trace for trace in asymnas.plot_front(search).data if trace.name == "front"]
    np.testing.assert_array_equal(np.sort(front.x), np.sort(search.front[t.TOTAL_PARAMS]))


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_every_degenerate_run_has_figures(plot: Any, degenerate: pd.DataFrame) -> None:
    assert plot(run_of(degenerate)).layout.title.text


def test_the_best_share_is_of_the_sweep_alone(table: pd.DataFrame) -> None:
    sweep = sweep_of(made_sweep(budgets=(20_000,), architectures=2, seeds=1))
    alone = asymnas.plot_share(sweep)
    beside = asymnas.plot_share(run_of(table, follow_ups={"sweep": sweep}))
    assert len(alone.data) == len(beside.data) > 1
    with pytest.raises(StudyError, match=r"nowhere holds no sweep.*plot_front_share"):
        asymnas.plot_share(run_of(table))

"""Hundreds of curves of a sweep as a few lines."""

import numpy as np
import pytest
from made_findings import RUNGS, made_sweep

from asymnas.reporting.figures.curves import budget_curves_panel, curves_panel
from asymnas.reporting.figures.style import LIGHT, budget_colors

BUDGETS = [50_000, 150_000]


def lines(panel):
    return {t.name: t for t in panel.figure.data if t.mode == "lines+markers"}


def test_a_line_is_the_median_of_the_measured_runs_of_its_budget():
    table = made_sweep(BUDGETS)
    found = lines(budget_curves_panel(table))
    assert list(found) == ["50k", "150k"]
    rows = table[(table["budget"] == 150_000) & (table["phase"] == "measure")]
    last = np.median([curve[-1][1] for curve in rows["curve"]])
    assert list(found["150k"].x) == list(RUNGS)
    assert found["150k"].y[-1] == pytest.approx(last)


def test_bands_surround_their_lines():
    panel = budget_curves_panel(made_sweep(BUDGETS))
    bands = [t for t in panel.figure.data if t.mode == "none"]
    for band, line in zip(bands, lines(panel).values(), strict=True):
        upper, lower = band.y[: len(RUNGS)], band.y[len(RUNGS) :][::-1]
        for low, middle, high in zip(lower, line.y, upper, strict=True):
            assert low < middle < high


def test_the_reading_says_how_far_from_done_training_was():
    reading = budget_curves_panel(made_sweep(BUDGETS)).reading
    assert "36 runs" in reading
    assert "Between 40k and 80k examples the median still fell by 29\xa0%." in reading


def test_the_curves_of_a_sweep_are_drawn_so_and_those_of_a_search_each(table):
    sweep = made_sweep(BUDGETS).assign(target_share=0.5)
    assert curves_panel(sweep).title == "Learning curves by budget"
    assert curves_panel(table).title == "Learning curves"


def test_nothing_finished_gives_words(degenerate):
    panel = budget_curves_panel(degenerate)
    assert panel.reading == "No run of the sweep has finished yet."
    assert not panel.figure.data


@pytest.mark.parametrize(("count", "distinct"), [(0, 0), (1, 1), (2, 2), (5, 5), (9, 5)])
def test_budgets_are_coloured_in_order(count, distinct):
    colors = budget_colors([n * 1_000 for n in range(count, 0, -1)])
    assert list(colors) == sorted(colors)
    assert len(set(colors.values())) == distinct
    assert set(colors.values()) <= set(LIGHT.values())

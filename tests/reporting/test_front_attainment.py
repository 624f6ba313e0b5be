"""The band behind the front lies between its surfaces, in every direction of the objectives."""

import numpy as np
import pandas as pd
import pytest
from made_tables import made_table

from asymnas.analysis.front import Objective
from asymnas.analysis.several_fronts import Attainment, attainment
from asymnas.reporting.figures.front import attainment_traces, front_panel

LOSS_SIZE = (Objective("val_loss"), Objective("total_params"))


def trace(traces, name):
    return next(t for t in traces if t.name == name)


def made_attainment() -> Attainment:
    surfaces = {
        0.0: np.array([[1.0, 30.0], [2.0, 10.0]]),
        0.5: np.array([[2.0, 30.0], [3.0, 10.0]]),
        1.0: np.array([[3.0, 30.0], [5.0, 20.0]]),
    }
    return Attainment(objectives=LOSS_SIZE, replicates=3, surfaces=surfaces)


def test_the_median_is_a_staircase_that_reaches_as_far_as_the_worst():
    front = np.array([[2.0, 40.0]])
    line = trace(attainment_traces(made_attainment(), front), "median seed")
    assert list(zip(line.x, line.y, strict=True)) == [
        (10, 5),
        (10, 5),
        (10, 3),
        (30, 3),
        (30, 2),
        (40, 2),
    ]


def test_the_band_runs_along_the_best_and_back_along_the_worst():
    band = trace(attainment_traces(made_attainment(), np.empty((0, 2))), "seed to seed")
    corners = set(zip(band.x, band.y, strict=True))
    assert {(10, 2), (30, 1), (20, 5), (30, 3)} <= corners


def test_what_is_maximised_is_mirrored():
    up = (Objective("psnr", maximize=True), Objective("total_params"))
    surfaces = {0.5: np.array([[20.0, 10.0], [30.0, 30.0]])}
    found = Attainment(objectives=up, replicates=2, surfaces=surfaces)
    line = trace(attainment_traces(found, np.array([[15.0, 40.0]])), "median seed")
    assert list(zip(line.x, line.y, strict=True))[1:-1] == [(10, 15), (10, 20), (30, 20), (30, 30)]


def test_the_front_shows_it_and_the_reading_says_what_it_is():
    tables = [made_table(seed=n).assign(replicate=n) for n in range(3)]
    found = attainment(pd.concat(tables, ignore_index=True), LOSS_SIZE)
    panel = front_panel(tables[0], LOSS_SIZE, attainment=found)
    assert trace(panel.figure.data, "seed to seed").fill == "toself"
    assert "one of 3 replicates reaches to what all do" in panel.reading
    assert panel.figure.data[-1].name == "front"
    assert "replicates" not in front_panel(tables[0], LOSS_SIZE).reading


@pytest.mark.parametrize("surfaces", [{}, {0.5: np.empty((0, 2))}])
def test_surfaces_without_corners_are_left_out(surfaces):
    found = Attainment(objectives=LOSS_SIZE, replicates=2, surfaces=surfaces)
    assert attainment_traces(found, np.array([[1.0, 2.0]])) == []

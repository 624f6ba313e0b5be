"""What trials add to the result of a search."""

import math

import numpy as np
import pandas as pd
import pytest

from asymnas.analysis.front import Objective, hypervolume
from asymnas.analysis.gain import Gains, gains_of

LOSS, SIZE = Objective("val_loss"), Objective("total_params")
REFERENCE = {"val_loss": 1.0, "total_params": 1_000.0}


def gains(rows, objectives=(LOSS,), reference=None):
    made = Gains(objectives, reference or {})
    for row in rows:
        made.add({"state": "complete", **row})
    return made


def test_a_gain_is_the_fall_of_the_best_loss_of_a_budget():
    losses = [(100, 0.5), (100, 0.4), (400, 0.3), (100, 0.45), (400, 0.27)]
    made = gains([{"budget": budget, "val_loss": loss} for budget, loss in losses])
    assert made.of_last(3) == math.inf  # the first of its budget
    assert made.of_last(2) == pytest.approx(math.log(0.3 / 0.27))
    assert made.of_last(6) is None


def test_a_trial_that_repeats_the_best_at_another_size_gains_nothing():
    drawn = {"budget": 100, "val_loss": 0.5, "sized_from": math.nan}
    made = gains([drawn, {"budget": 50, "val_loss": 0.6, "sized_from": 0}])
    assert made.of_last(1) == 0


@pytest.mark.parametrize("row", [{"state": "pruned", "val_loss": 0.1}, {"state": "failed"}])
def test_what_is_not_complete_gains_nothing(row):
    made = gains([{"val_loss": 0.5}, row, {"val_loss": math.nan}, {"val_loss": 0.6}])
    assert made.of_last(3) == 0
    assert made.of_last(4) == math.inf


@pytest.mark.parametrize(
    ("objective", "values", "expected"),
    [
        (Objective("psnr", maximize=True), [20.0, 21.0, 20.5], 0.05),
        (LOSS, [-100.0, -110.0], 0.1),  # a likelihood
        (LOSS, [1.0, -1.0], 2.0),
        (LOSS, [0.0, -1.0], 1.0),
    ],
)
def test_other_scales(objective, values, expected):
    made = gains([{objective.name: value} for value in values], (objective,))
    assert made.of_last(len(values) - 1) == pytest.approx(expected)


def test_the_gain_of_a_front_is_that_of_its_volume():
    rows = [
        {"trial": n, "val_loss": loss, "total_params": size}
        for n, (loss, size) in enumerate([(0.5, 500), (0.2, 900), (0.6, 600), (0.45, 400)])
    ]
    made = gains(rows, (LOSS, SIZE), REFERENCE)
    table = pd.DataFrame(rows).assign(state="complete", duplicate_of=pd.NA)
    volumes = [
        hypervolume(table.head(n), (LOSS, SIZE), (1.0, 1_000), log=True) for n in (1, 2, 3, 4)
    ]
    assert made.of_last(3) == pytest.approx(math.log(volumes[3] / volumes[0]))
    assert made.of_last(2) == pytest.approx(math.log(volumes[3] / volumes[2]))
    assert volumes[1] == volumes[2]


def test_a_point_beyond_the_reference_gains_nothing():
    beyond = {"val_loss": 2.0, "total_params": 500}
    made = gains([beyond, {"val_loss": 0.5, "total_params": 500}, beyond], (LOSS, SIZE), REFERENCE)
    assert made.of_last(1) == 0
    assert made.of_last(2) == math.inf


def test_objectives_without_a_level_are_named():
    assert Gains.unsupported_reason((Objective("psnr", True),), {}) is None
    assert Gains.unsupported_reason((LOSS, SIZE), REFERENCE) is None
    reason = Gains.unsupported_reason((LOSS, Objective("decoder_macs")), REFERENCE)
    assert reason is not None
    assert "val_loss, decoder_macs" in reason


def test_a_table_is_taken_in_by_number_without_duplicates_and_running_trials():
    table = pd.DataFrame(
        {
            "trial": [2, 0, 1, 3],
            "state": ["complete", "complete", "complete", "running"],
            "val_loss": [0.3, 0.4, 0.2, np.nan],
            "duplicate_of": pd.array([pd.NA, pd.NA, 0, pd.NA], dtype="Int64"),
        }
    )
    made = gains_of(table, (LOSS,), {})
    assert made.of_last(1) == pytest.approx(math.log(0.4 / 0.3))
    assert made.of_last(3) is None

import numpy as np
import pandas as pd
import pytest
from made_tables import as_table, made_table

from asymnas.analysis.front import Objective, marks, pareto_front, scored, select
from asymnas.core.errors import ConfigError, StudyError

LOSS_SIZE = (Objective("val_loss"), Objective("total_params"))


def of_points(losses: list[float], sizes: list[int]) -> pd.DataFrame:
    rows = [
        {
            "trial": n,
            "state": "complete",
            "duplicate_of": pd.NA,
            "val_loss": loss,
            "psnr": -loss,
            "total_params": size,
            "encoder_params": size // 4,
            "decoder_params": size - size // 4,
            "total_macs": 1_000_000 // size,
        }
        for n, (loss, size) in enumerate(zip(losses, sizes, strict=True))
    ]
    return as_table(rows)


def test_loss_takes_the_lowest_first_objective(table):
    best = select(table, LOSS_SIZE)
    assert best["val_loss"] == scored(table, LOSS_SIZE)["val_loss"].min()
    assert select(pareto_front(table, LOSS_SIZE), LOSS_SIZE)["trial"] == best["trial"]


def test_knee_is_the_farthest_point_from_the_chord(table):
    rows = pareto_front(table, LOSS_SIZE)
    x = np.log(rows["total_params"].to_numpy(float))
    y = rows["val_loss"].to_numpy(float)
    x, y = (x - x.min()) / np.ptp(x), (y - y.min()) / np.ptp(y)
    # The signed area of the triangle with the extremes (first and last row).
    area = (x[-1] - x[0]) * (y[0] - y) - (x[0] - x) * (y[-1] - y[0])
    expected = rows.iloc[int(np.argmax(np.abs(area)))]["trial"]
    assert select(table, LOSS_SIZE, "knee")["trial"] == expected


def test_knee_of_a_made_elbow():
    table = of_points([1.0, 0.2, 0.1, 0.09], [1_000, 2_000, 30_000, 100_000])
    assert select(table, LOSS_SIZE, "knee")["trial"] == 1


def test_knee_turns_a_maximised_objective_round():
    table = of_points([1.0, 0.2, 0.1, 0.09], [1_000, 2_000, 30_000, 100_000])
    objectives = (Objective("psnr", maximize=True), Objective("total_params"))
    assert select(table, objectives, "knee")["trial"] == 1


@pytest.mark.parametrize("prefer", ["loss", "knee"])
def test_of_two_extremes_the_lower_loss_is_taken(prefer):
    assert select(of_points([0.1, 0.2], [900, 300]), LOSS_SIZE, prefer)["trial"] == 0


def test_a_cap_reaches_behind_a_front_that_does_not_hold_sizes():
    table = of_points([0.1, 0.2, 0.3], [900, 300, 100])
    assert select(table, (Objective("val_loss"),), max_params=300)["trial"] == 1


@pytest.mark.parametrize(
    ("argument", "column"),
    [
        ("max_params", "total_params"),
        ("max_encoder_params", "encoder_params"),
        ("max_decoder_params", "decoder_params"),
        ("max_macs", "total_macs"),
    ],
)
def test_caps_hold_and_a_tight_one_names_the_smallest(table, argument, column):
    rows = scored(table, LOSS_SIZE)
    cap = int(rows[column].median())
    assert select(table, LOSS_SIZE, **{argument: cap})[column] <= cap
    smallest = rows.loc[rows[column].idxmin()]
    with pytest.raises(ConfigError, match=f"{smallest[column]:,}.*trial {smallest['trial']}") as e:
        select(table, LOSS_SIZE, **{argument: 1})
    assert argument in str(e.value)


def test_caps_that_exclude_each_other_are_both_named():
    table = of_points([0.1, 0.2], [1_000, 100])
    with pytest.raises(ConfigError, match="max_params 500, max_macs 2,000 at once"):
        select(table, LOSS_SIZE, max_params=500, max_macs=2_000)


def test_an_unknown_preference_is_refused(table):
    with pytest.raises(ConfigError, match="one of loss, knee, smallest but got 'small'"):
        select(table, LOSS_SIZE, "small")


def test_little_to_go_by_is_an_error_that_says_what_to_do(degenerate):
    if pareto_front(degenerate, LOSS_SIZE).empty:
        with pytest.raises(StudyError, match=r"none of the .* continue the run"):
            select(degenerate, LOSS_SIZE)
    else:
        best = select(degenerate, LOSS_SIZE, "knee")
        assert best["trial"] in set(pareto_front(degenerate, LOSS_SIZE)["trial"])


def test_a_front_of_one_is_its_own_knee():
    table = made_table().head(1)
    assert select(table, LOSS_SIZE, "knee")["trial"] == 0


@pytest.mark.parametrize(
    ("losses", "sizes", "expected"),
    [
        ([0.1], [900], {0: ("best",)}),
        ([0.1, 0.2], [900, 300], {0: ("best",)}),  # two extremes have no knee between them
        ([0.1, 0.11, 0.3], [1_000, 100, 10], {0: ("best",), 1: ("knee",)}),
        ([0.1, 0.101, 0.3], [1_000, 100, 10], {0: ("best",), 1: ("knee", "within 1 %")}),
        ([0.1, 0.1012, 0.3], [1_000, 100, 10], {0: ("best",), 1: ("knee",)}),
        (
            [0.1, 0.1005, 0.1009, 0.11, 0.3],
            [1_000, 900, 800, 20, 10],
            {0: ("best",), 2: ("within 1 %",), 3: ("knee",)},
        ),
        ([0.1, 0.29, 0.3], [1_000, 900, 10], {0: ("best",)}),  # it bends away from the ideal
        ([-0.1, -0.0995], [900, 800], {0: ("best",), 1: ("within 1 %",)}),
        ([0.0, 0.001], [900, 500], {0: ("best",)}),  # of nothing 1 % is nothing
    ],
)
def test_marks_are_the_best_and_what_is_picked_besides(losses, sizes, expected):
    table = of_points(losses, sizes)
    marked = marks(pareto_front(table, LOSS_SIZE), LOSS_SIZE)
    assert marked == expected
    picks = {"loss": "best", "knee": "knee", "smallest": "within 1 %"}
    for prefer, mark in picks.items():
        picked = select(table, LOSS_SIZE, prefer)["trial"]
        assert picked == 0 or mark in marked[picked]
    psnr = (Objective("psnr", maximize=True), Objective("total_params"))
    assert marks(pareto_front(table, psnr), psnr) == expected


def test_nothing_is_marked_where_there_is_no_front():
    assert marks(pareto_front(of_points([], []), LOSS_SIZE), LOSS_SIZE) == {}

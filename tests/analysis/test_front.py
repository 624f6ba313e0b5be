"""The front and its hypervolume against naive oracles."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_tables import made_table

from asymnas.analysis.front import Objective, hypervolume, pareto_front, reference_point, scored
from asymnas.core.errors import ConfigError

LOSS_SIZE = (Objective("val_loss"), Objective("total_params"))

# Few distinct values, so that ties and dominance in one objective alone happen often.
points = st.lists(st.tuples(*[st.integers(-5, 5).map(float)] * 3), min_size=1, max_size=25)
directions = st.tuples(*[st.booleans()] * 3)


def table_of(values: list[tuple[float, ...]]) -> pd.DataFrame:
    table = pd.DataFrame(values, columns=["a", "b", "c"])
    return table.assign(
        trial=range(len(values)),
        state="complete",
        duplicate_of=pd.array([pd.NA] * len(values), dtype="Int64"),
    )


def objectives_of(maximize: tuple[bool, ...]) -> tuple[Objective, ...]:
    return tuple(Objective(name, up) for name, up in zip("abc", maximize, strict=True))


def naive_front(values: list[tuple[float, ...]], maximize: tuple[bool, ...]) -> set[int]:
    costs = [[-v if up else v for v, up in zip(p, maximize, strict=True)] for p in values]

    def dominates(p: list[float], q: list[float]) -> bool:
        return p != q and all(a <= b for a, b in zip(p, q, strict=True))

    return {
        n
        for n, cost in enumerate(costs)
        if not any(dominates(other, cost) for other in costs) and cost not in costs[:n]
    }


@given(points, directions)
def test_front_is_what_the_definition_says(values, maximize):
    found = pareto_front(table_of(values), objectives_of(maximize))
    assert set(found["trial"]) == naive_front(values, maximize)
    assert found["a"].is_monotonic_decreasing if maximize[0] else found["a"].is_monotonic_increasing


@given(points, directions, st.randoms(use_true_random=False))
def test_front_does_not_depend_on_the_order_of_rows(values, maximize, random):
    table, objectives = table_of(values), objectives_of(maximize)
    order = list(range(len(values)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(
        pareto_front(table.iloc[order], objectives), pareto_front(table, objectives)
    )


@given(points, directions, st.data())
def test_a_repeated_point_changes_neither_front_nor_volume(values, maximize, data):
    again = data.draw(st.sampled_from(values))
    objectives = objectives_of(maximize)
    once, twice = table_of(values), table_of([*values, again])
    pd.testing.assert_frame_equal(pareto_front(once, objectives), pareto_front(twice, objectives))
    assert hypervolume(once, objectives) == hypervolume(twice, objectives)


@given(points, directions)
def test_front_of_a_front_is_itself(values, maximize):
    objectives = objectives_of(maximize)
    once = pareto_front(table_of(values), objectives)
    pd.testing.assert_frame_equal(pareto_front(once, objectives), once)


@given(points, st.tuples(st.booleans(), st.booleans()))
def test_hypervolume_in_two_dimensions_counts_cells(values, maximize):
    objectives = objectives_of((*maximize, False))[:2]
    reference = [-6.0 if up else 6.0 for up in maximize]
    signs = np.array([-1 if up else 1 for up in maximize])
    costs = np.array(values)[:, :2] * signs
    cells = np.stack(np.meshgrid(np.arange(-5, 6), np.arange(-5, 6)), -1).reshape(-1, 2)
    # A unit cell, named by its lower corner, is covered if some point is at or below it.
    covered = (costs[:, None, :] <= cells[None]).all(-1).any(0).sum()
    assert hypervolume(table_of(values), objectives, reference) == pytest.approx(covered)


@given(points, st.tuples(*[st.integers(-5, 5).map(float)] * 3), directions)
def test_hypervolume_never_falls_when_a_trial_is_added(values, new, maximize):
    objectives = objectives_of(maximize)
    reference = [-6.0 if up else 6.0 for up in maximize]
    before = hypervolume(table_of(values), objectives, reference)
    assert hypervolume(table_of([*values, new]), objectives, reference) >= before - 1e-9


@given(points, directions)
def test_reference_point_is_worse_than_every_trial(values, maximize):
    objectives = objectives_of(maximize)
    reference = reference_point(table_of(values), objectives)
    for place, up in enumerate(maximize):
        column = [value[place] for value in values]
        worst = min(column) if up else max(column)
        beyond = worst - reference[place] if up else reference[place] - worst
        assert beyond > 0 or (worst == 0 and len(set(column)) == 1)


def test_only_complete_finite_first_trainings_are_scored(table):
    table.loc[table["trial"] == 0, "val_loss"] = float("inf")
    kept = scored(table, LOSS_SIZE)
    assert set(kept["state"]) == {"complete"}
    assert kept["duplicate_of"].isna().all()
    assert 0 not in set(kept["trial"])
    assert (
        len(kept)
        == (
            (table["state"] == "complete") & table["duplicate_of"].isna() & (table["trial"] != 0)
        ).sum()
    )


def test_a_maximised_metric_and_a_minimised_one_that_rank_alike_share_a_front(table):
    by_psnr = pareto_front(table, (Objective("psnr", maximize=True), Objective("total_params")))
    assert list(by_psnr["trial"]) == list(pareto_front(table, LOSS_SIZE)["trial"])


def test_reference_point_is_a_tenth_beyond_the_worst_scored_trial(table):
    worst = scored(table, LOSS_SIZE)[["val_loss", "total_params"]].max()
    assert reference_point(table, LOSS_SIZE) == pytest.approx(tuple(worst * 1.1))


def test_little_to_go_by_gives_an_empty_front_not_an_error(degenerate):
    found = pareto_front(degenerate, LOSS_SIZE)
    assert (len(found) == 0) == (reference_point(degenerate, LOSS_SIZE) is None)
    assert (hypervolume(degenerate, LOSS_SIZE) > 0) == (len(found) > 0)
    assert pareto_front(found, LOSS_SIZE).equals(found)


def test_errors_name_what_is_wrong(table):
    with pytest.raises(ConfigError, match=r"no column 'ssim'.*val_loss"):
        pareto_front(table, (Objective("ssim"),))
    with pytest.raises(ConfigError, match="objectives must hold at least one"):
        pareto_front(table, ())
    with pytest.raises(ConfigError, match=r"reference must have 2 values.*has 1"):
        hypervolume(table, LOSS_SIZE, [1.0])


def test_the_made_search_has_a_front_to_speak_of():
    assert 4 <= len(pareto_front(made_table(), LOSS_SIZE)) <= 20

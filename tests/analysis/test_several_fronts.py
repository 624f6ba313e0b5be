"""Fronts at equal sizes and values against naive oracles; one reference point for all."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_tables import made_table

from asymnas.analysis.front import (
    Objective,
    hypervolume,
    objective_values,
    pareto_front,
    reference_point,
)
from asymnas.analysis.several_fronts import (
    Corner,
    best_within,
    common_corner,
    common_sizes,
    mean_over_sizes,
    smallest_reaching,
    volume_from,
)

LOSS_SIZE = (Objective("val_loss"), Objective("total_params"))


def values_of(table):
    return objective_values(pareto_front(table, LOSS_SIZE), LOSS_SIZE)


def corner_of(tables, levels=()):
    return common_corner(tables, [values_of(table) for table in tables], LOSS_SIZE, levels)


numbers = st.integers(1, 20).map(float)
fronts = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8).map(np.array)


@given(fronts, st.integers(0, 21), st.booleans())
def test_the_best_within_a_size_and_the_smallest_reaching_a_value(front, at, maximize):
    values = [v for v, size in front if size <= at]
    best = (max if maximize else min)(values, default=None)
    assert best_within(front, at, maximize=maximize) == best
    sizes = [size for v, size in front if (v >= at if maximize else v <= at)]
    assert smallest_reaching(front, at, maximize=maximize) == min(sizes, default=None)


@given(fronts, fronts)
def test_means_differ_by_the_volumes_of_logarithms_per_size(one, other):
    """The identity that makes a mean of losses out of a difference of hypervolumes."""
    if (sizes := common_sizes([one, other])) is None:
        return
    low, high = sizes
    corner = Corner(values=(21.0, high), log=True)
    means, volumes = [], []
    for front in (one, other):
        means.append(mean_over_sizes(front, low, high))
        moved = np.column_stack([front[:, 0], np.maximum(front[:, 1], low)])
        volumes.append(volume_from(moved, corner, LOSS_SIZE))
    expected = (volumes[1] - volumes[0]) / np.log(high / low)
    assert np.log(means[0]) - np.log(means[1]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("front", "mean"),
    [
        ([(4.0, 1.0), (1.0, 10.0)], 2.0),  # 4 up to ten, 1 up to a hundred
        ([(4.0, 0.5)], 4.0),
        ([(4.0, 1.0), (0.0, 10.0)], None),
        ([(-4.0, 1.0)], None),
        ([(4.0, 2.0)], None),  # nothing is as small as 1
    ],
)
def test_a_mean_over_sizes_is_geometric(front, mean):
    assert mean_over_sizes(np.array(front), 1.0, 100.0) == pytest.approx(mean)


@pytest.mark.parametrize(
    ("held", "sizes"),
    [
        ([[(1.0, 2.0), (0.5, 9.0)], [(1.0, 3.0), (0.5, 7.0)]], (3.0, 7.0)),
        ([[(1.0, 2.0)], [(1.0, 3.0), (0.5, 7.0)]], None),
        ([[(1.0, 2.0), (0.5, 9.0)], []], None),
        ([], None),
    ],
)
def test_sizes_are_common_where_every_front_has_a_value(held, sizes):
    assert common_sizes([np.array(front).reshape(-1, 2) for front in held]) == sizes


def test_a_common_corner_is_the_worst_fixed_level_or_beyond_the_worst_trial():
    tables = [made_table(20, seed) for seed in range(2)]
    levels = [{"val_loss": 0.2, "total_params": 9_000.0}, {"val_loss": 0.3, "total_params": 8_000}]
    fixed = corner_of(tables, levels)
    assert fixed == Corner(values=(0.3, 9_000.0), log=True)
    for known in ((), [*levels[:1], {}]):
        corner = corner_of(tables, known)
        assert corner is not None
        assert corner.values == reference_point(pd.concat(tables), LOSS_SIZE)
        for table in tables:
            volume = volume_from(values_of(table), corner, LOSS_SIZE)
            assert volume == hypervolume(table, LOSS_SIZE, corner.values, log=True)
    nothing = np.empty((0, 2))
    values = [nothing, values_of(tables[0])]
    after = common_corner([made_table(0), tables[0]], values, LOSS_SIZE)
    assert after == corner_of(tables[:1])
    assert common_corner([made_table(0)], [nothing], LOSS_SIZE) is None


def test_values_that_are_not_positive_have_volumes_in_their_own_units():
    table = made_table(20).assign(val_loss=lambda rows: rows["val_loss"] - 1)
    corner = corner_of([table], [{"val_loss": 1.0, "total_params": 150_000.0}])
    assert corner == Corner(values=(1.0, 150_000.0), log=False)
    volume = volume_from(values_of(table), corner, LOSS_SIZE)
    assert volume == hypervolume(table, LOSS_SIZE, corner.values)
    assert volume_from(np.empty((0, 2)), corner, LOSS_SIZE) is None

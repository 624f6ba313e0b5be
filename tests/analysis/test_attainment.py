import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asymnas.analysis.front import Objective
from asymnas.analysis.several_fronts import attainment
from asymnas.core.errors import ConfigError

LOSS, SIZE = Objective("val_loss"), Objective("total_params")
QUALITY = Objective("psnr", maximize=True)
POINTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 5)), min_size=1)


def made(points, **columns) -> pd.DataFrame:
    """A table of (replicate, loss, size) with the loss turned round as `psnr`."""
    frame = pd.DataFrame(points, columns=["replicate", "val_loss", "total_params"], dtype=float)
    frame = frame.assign(psnr=-frame["val_loss"], trial=range(len(frame)), state="complete")
    frame["duplicate_of"] = pd.array([pd.NA] * len(frame), dtype="Int64")
    return frame.assign(**columns)


def naive(points, level):
    """Grid corners that enough replicates attain, less those that another one dominates."""
    replicates = {r for r, _, _ in points}
    needed = max(1, math.ceil(level * len(replicates) - 1e-9))
    attained = [
        (x, y)
        for x in {p[1] for p in points}
        for y in {p[2] for p in points}
        if len({r for r, px, py in points if px <= x and py <= y}) >= needed
    ]
    return sorted(
        c for c in attained if not any(o != c and o[0] <= c[0] and o[1] <= c[1] for o in attained)
    )


@settings(max_examples=100, deadline=None)
@given(POINTS, st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.5, 2 / 3, 0.75, 0.9, 1.0]))
def test_surfaces_are_those_of_brute_force(points, level):
    found = attainment(made(points), [LOSS, SIZE], levels=[level])
    if len({r for r, _, _ in points}) < 2:
        assert found is None
        return
    assert found.surfaces[level].tolist() == [list(map(float, c)) for c in naive(points, level)]


@settings(max_examples=40, deadline=None)
@given(POINTS, st.randoms())
def test_order_labels_and_doubled_points_do_not_matter(points, random):
    found = attainment(made(points), [LOSS, SIZE])
    changed = [(7 - r, x, y) for r, x, y in points + points[:1]]
    random.shuffle(changed)
    again = attainment(made(changed), [LOSS, SIZE])
    assert (found is None) == (again is None)
    if found and again:
        for level, surface in found.surfaces.items():
            np.testing.assert_array_equal(surface, again.surfaces[level])


def test_an_objective_to_maximise_keeps_its_own_direction():
    points = [(0, 1, 9), (0, 4, 3), (1, 2, 8), (1, 5, 2), (2, 3, 7)]
    down = attainment(made(points), [LOSS, SIZE])
    up = attainment(made(points), [QUALITY, SIZE])
    for level, surface in down.surfaces.items():
        turned = surface[::-1] * [-1, 1]
        np.testing.assert_array_equal(up.surfaces[level], turned)


def test_the_best_is_the_front_of_all_and_the_worst_is_attained_by_each():
    found = attainment(made([(0, 1, 4), (0, 3, 1), (1, 2, 2)]), [LOSS, SIZE])
    assert found.replicates == 2
    assert found.surfaces[0.0].tolist() == [[1, 4], [2, 2], [3, 1]]
    assert found.surfaces[1.0].tolist() == [[2, 4], [3, 2]]


def test_only_measured_complete_and_finite_trials_count():
    points = [(0, 5, 5), (1, 5, 5), (0, 1, 1), (1, 1, 1), (0, math.nan, 1), (2, 1, 1)]
    states = ["complete", "complete", "complete", "pruned", "complete", "failed"]
    phases = ["measure", "measure", "tuning", "measure", "measure", "measure"]
    found = attainment(made(points, state=states, phase=phases), [LOSS, SIZE])
    assert found.replicates == 2
    assert found.surfaces[0.0].tolist() == [[5, 5]]


def test_other_numbers_of_objectives_or_too_few_replicates_have_no_surfaces(degenerate):
    table = made([(0, 1, 2), (1, 2, 1)])
    assert attainment(table, [LOSS]) is None
    assert attainment(table, [LOSS, SIZE, QUALITY]) is None
    assert attainment(table, [LOSS, SIZE], by="seed") is None
    assert attainment(table.head(1), [LOSS, SIZE]) is None
    assert attainment(degenerate, [LOSS, SIZE]) is None
    assert attainment(degenerate.assign(replicate=0), [LOSS, SIZE]) is None


def test_levels_are_shares():
    with pytest.raises(ConfigError, match=r"from 0 to 1 but got 50"):
        attainment(made([(0, 1, 2), (1, 2, 1)]), [LOSS, SIZE], levels=[50])

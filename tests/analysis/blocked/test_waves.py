import numpy as np
import pytest
from scipy.stats import ttest_1samp

from asymnas.analysis.blocked.blocks import blocks_of
from asymnas.analysis.blocked.contrasts import contrasts
from asymnas.analysis.blocked.synthetic import BlockedDesign, Spread, blocked_sweep
from asymnas.analysis.blocked.waves import (
    allocate,
    components_of,
    detectable_cost,
    half_width,
    stopping_level,
)
from asymnas.analysis.estimates import Components
from asymnas.analysis.laws.synthetic import QuadraticTruth, truth_with_share

BUDGET = 20_000
TRUTH = truth_with_share("additive", 0.6, budget=BUDGET)


def sweep(design=None, spread=None, seed=0, truth=TRUTH):
    return blocked_sweep(truth, design, spread, seed=seed)


def keys(runs):
    return [(run.structure, round(run.share, 3), run.replicate, run.mirrored) for run in runs]


def test_another_structure_narrows_more_than_another_seed():
    runs = allocate(sweep(), BUDGET, 16, spare=(40, 41, 42), seeds=3)
    assert [run.structure for run in runs] == [40] * 8 + [41] * 8
    assert {run.replicate for run in runs} == {0}
    assert keys(runs[:3]) == [(40, 0.333, 0, False), (40, 0.5, 0, False), (40, 0.667, 0, False)]
    assert sum(run.mirrored for run in runs) == 2


def test_seeds_are_added_where_structures_are_all_in_or_agree():
    table = sweep(BlockedDesign(seeds=1))
    runs = allocate(table, BUDGET, 1_000, seeds=2)
    assert len(runs) == 6 * 8
    assert {run.replicate for run in runs} == {1}
    assert {run.structure for run in runs} == set(range(6))
    assert allocate(sweep(), BUDGET, 10, seeds=2) == ()


def test_blocks_that_were_begun_are_completed_first():
    table = sweep()
    gone = (table["structure"] == 3) & (table["target_share"] > 0.7) & (table["replicate"] == 1)
    runs = allocate(table[~gone], BUDGET, 4, spare=(40,), seeds=2)
    assert keys(runs[:2]) == [(3, 0.8, 1, False), (3, 0.889, 1, False)]
    assert [run.structure for run in runs[2:]] == [40, 40]


def test_a_cell_that_failed_is_not_tried_again():
    table = sweep()
    table.loc[3, ["state", "val_loss"]] = ["failed", np.nan]
    assert allocate(table, BUDGET, 4, seeds=2) == ()


@pytest.mark.parametrize(("share", "beyond"), [(0.98, 0.94), (0.02, 0.06), (0.5, None)])
def test_the_best_at_an_edge_takes_the_next_share_beyond_it(share, beyond):
    truth = QuadraticTruth(share=share, curvature=0.05, budget=BUDGET)
    table = sweep(spread=Spread(interaction=0.005, seed=0.005), truth=truth)
    runs = allocate(table, BUDGET, 8, spare=(40,), seeds=2, beyond=(0.03, 0.06, 0.94, 0.97))
    first = [run.share for run in runs[:6]]
    if beyond is None:
        assert set(run.structure for run in runs) == {40}
    else:
        assert first == [beyond] * 6
        assert [run.structure for run in runs] == [0, 1, 2, 3, 4, 5, 40, 40]


def test_a_wave_gives_out_no_more_than_it_has():
    for count in (0, 1, 7, 30):
        assert len(allocate(sweep(), BUDGET, count, spare=range(40, 60), seeds=2)) == count
    assert allocate(sweep(), 99, 5, spare=(40,)) == ()


def test_the_half_width_is_that_of_the_wider_primary_interval_at_the_stopping_level():
    table = sweep(seed=5)
    cells = np.log(table[~table["mirrored"]].set_index(["structure", "target_share"])["val_loss"])
    means = cells.groupby(level=[0, 1]).mean().unstack()
    halves = []
    for column in (2, 4):
        differences = means.iloc[:, column] - means.iloc[:, 3]
        ends = ttest_1samp(differences, 0).confidence_interval(stopping_level(0.95))
        halves.append((ends.high - ends.low) / 2)
    assert half_width(table, BUDGET) == pytest.approx(max(halves))
    assert half_width(table, 99) is None
    assert half_width(table[table["structure"] < 2], BUDGET) is None


def test_components_are_those_of_the_noise():
    table = sweep(BlockedDesign(structures=80, seeds=4), Spread(interaction=0.04, seed=0.06))
    (blocks,) = blocks_of(table)
    parts = components_of(blocks, contrasts(blocks, None, level=0.95))
    assert parts.interaction == pytest.approx(0.04, rel=0.15)
    assert parts.seed == pytest.approx(0.06, rel=0.1)
    assert parts.sampling == 0
    (single,) = blocks_of(table[table["structure"] == 0])
    assert components_of(single, ()) is None


def test_what_is_called_detectable_is_detected_four_times_in_five():
    parts = Components(interaction=0.03, seed=0.04)
    size = np.log1p(detectable_cost(parts, structures=6, seeds=2))
    rng = np.random.default_rng(0)
    error = np.sqrt(2 * (0.03**2 + 0.04**2 / 2))
    draws = size + error * rng.standard_normal((4_000, 6))
    p = ttest_1samp(draws, 0, axis=1).pvalue
    assert np.mean(p < 0.025) == pytest.approx(0.8, abs=0.02)
    assert detectable_cost(parts, structures=12, seeds=2) < np.expm1(size)
    assert detectable_cost(parts, structures=1, seeds=2) is None


#: Draws, and how many of them at least must be covered by both primary intervals together.
FEW = (6, 4)
MANY = pytest.param((400, 368), marks=pytest.mark.slow)


@pytest.mark.parametrize("counts", [FEW, MANY], ids=["few", "many"])
def test_stopping_when_the_interval_is_narrow_keeps_its_coverage(counts):
    count, least = counts
    spread, covered = Spread(interaction=0.03, seed=0.03), 0
    exact = np.log(TRUTH.loss(BUDGET * 2 / 3, BUDGET / 3) / TRUTH.loss(BUDGET / 2, BUDGET / 2))
    for number in range(count):
        whole = sweep(BlockedDesign(structures=20, seeds=1, mirrored=False), spread, seed=number)
        for structures in range(4, 21, 4):
            table = whole[whole["structure"] < structures]
            if (half_width(table, BUDGET) or 1.0) < 0.035:
                break
        (blocks,) = blocks_of(table)
        covered += contrasts(blocks, None, level=stopping_level(0.95))[2].family.contains(exact)
    assert covered >= least


def test_waves_do_not_depend_on_the_order_of_rows():
    table = sweep(seed=1)
    shuffled = table.sample(frac=1, random_state=0)
    kwargs = {"spare": (40, 41), "seeds": 3, "beyond": (0.05, 0.95)}
    assert allocate(table, BUDGET, 20, **kwargs) == allocate(shuffled, BUDGET, 20, **kwargs)

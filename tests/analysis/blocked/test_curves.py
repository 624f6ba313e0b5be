from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from scipy.stats import ttest_1samp

from asymnas.analysis.blocked.blocks import blocks_of
from asymnas.analysis.blocked.curves import (
    best_share,
    cost_of_even_split,
    fit_curve,
    outlying_cells,
    powers,
    within_tolerance,
)
from asymnas.analysis.blocked.own_rows import horizons, own_rows
from asymnas.analysis.blocked.sampling import ExampleLosses
from asymnas.analysis.blocked.synthetic import BlockedDesign, Spread, blocked_sweep
from asymnas.analysis.laws.synthetic import QuadraticTruth, truth_with_share

TRUTH = truth_with_share("additive", 0.65, budget=20_000)
EXACT = Spread(interaction=0.0, seed=0.0)


def blocks(design=None, spread=None, seed=0, truth=TRUTH):
    (result,) = blocks_of(blocked_sweep(truth, design, spread, seed=seed))
    return result


@pytest.mark.parametrize("law", ["additive", "multiplicative"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.65])
def test_without_noise_share_and_cost_are_near_the_truth(law, share):
    truth = truth_with_share(law, share, budget=20_000)
    result = own_rows(blocks(spread=EXACT, truth=truth))
    assert result.share.estimate == pytest.approx(share, abs=0.02)
    cost = truth.cost_of_even_split(20_000)
    assert result.cost_of_even_split.estimate == pytest.approx(cost, abs=0.005)
    assert result.within.low < share < result.within.high


def test_a_polynomial_is_recovered_whatever_the_structures_levels_are():
    truth = QuadraticTruth(share=0.7, curvature=0.05, budget=20_000)
    result = own_rows(blocks(BlockedDesign(off=0.03), EXACT, truth=truth))
    assert result.share.estimate == pytest.approx(0.7, abs=0.002)
    assert result.cost_of_even_split.estimate == pytest.approx(
        truth.cost_of_even_split(20_000), abs=1e-3
    )
    assert not result.at_edge


def test_of_complete_blocks_each_part_is_the_structures_own_fit():
    result = blocks(seed=2)
    curve = fit_curve(result, None)
    for place, part in enumerate(curve.parts):
        x = logit(result.share[place, :-1]) / 2
        own = np.polynomial.polynomial.polyfit(x, result.cells[place, :-1], 4)
        np.testing.assert_allclose(part, own[1:], rtol=1e-8, atol=1e-10)


def test_a_value_of_the_curve_has_students_interval_over_structures():
    curve = fit_curve(blocks(seed=2), None)
    terms = powers(np.array([0.3]), 4)
    mean, test = curve.mean(terms), ttest_1samp((curve.parts @ terms.T)[:, 0], 0)
    ends = test.confidence_interval(0.9)
    assert mean.estimate - mean.reach(0.9) == pytest.approx(ends.low)
    assert mean.estimate + mean.reach(0.9) == pytest.approx(ends.high)


def test_a_structure_that_was_hardly_trained_neither_spoils_nor_helps():
    table = blocked_sweep(TRUTH, BlockedDesign(structures=7))
    poor = (table["structure"] == 6) & (table["target_share"].round(3) != 0.5)
    poor &= table["target_share"].round(3) != 0.667
    (some,) = blocks_of(table[~poor])
    (without,) = blocks_of(table[table["structure"] != 6])
    one, other = own_rows(some), own_rows(without)
    assert one.share.estimate == pytest.approx(other.share.estimate, abs=0.03)
    widths = [r.share.high - r.share.low for r in (one, other)]
    assert widths[0] == pytest.approx(widths[1], rel=0.25)


@pytest.mark.parametrize("share", [0.02, 0.98])
def test_an_optimum_beyond_the_trained_shares_is_at_the_edge(share):
    truth = QuadraticTruth(share=share, curvature=0.05, budget=20_000)
    result = own_rows(blocks(spread=Spread(interaction=0.01, seed=0.01), truth=truth))
    assert result.at_edge
    assert result.share.estimate == pytest.approx(1 / 9 if share < 0.5 else 8 / 9, abs=1e-5)
    assert result.share.contains(result.share.estimate)


def test_where_the_loss_is_flat_any_share_may_be_the_best():
    truth = QuadraticTruth(share=0.5, curvature=1e-9, budget=20_000)
    result = own_rows(blocks(truth=truth, seed=4))
    assert result.share.low < 0.2
    assert result.share.high > 0.8
    assert result.cost_of_even_split.contains(0.0)


def test_a_share_is_not_judged_by_the_losses_that_chose_it():
    """Where nothing is to be gained, costs against the best of noise would be above nil."""
    truth = QuadraticTruth(share=0.5, curvature=1e-9, budget=20_000)
    crossed, plain = [], []
    for seed in range(20):
        curve = fit_curve(blocks(truth=truth, seed=seed), None)
        crossed.append(cost_of_even_split(curve, 0.95).estimate)
        plain.append(float(np.expm1(-curve.values.min())))
    assert abs(np.mean(crossed)) < 3 * np.std(crossed) / np.sqrt(20)
    assert np.mean(plain) > 3 * np.std(plain) / np.sqrt(20)


def test_means_that_no_smooth_curve_follows_depart():
    table = blocked_sweep(TRUTH, spread=Spread(interaction=0.01, seed=0.01))
    (smooth,) = blocks_of(table)
    jagged = np.where(table["target_share"].round(2).isin([0.2, 0.8]), 1.2, 1.0)
    (rough,) = blocks_of(table.assign(val_loss=table["val_loss"] * jagged))
    assert not own_rows(smooth).departs
    assert own_rows(rough).departs


def test_within_the_tolerance_the_loss_rises_by_no_more():
    curve = fit_curve(blocks(spread=EXACT), None)
    good = within_tolerance(curve, 0.02, 0.95)
    ends = np.array([good.low, good.high])
    rises = TRUTH.loss((1 - ends) * 20_000, ends * 20_000) / TRUTH.loss(7_000.0, 13_000.0)
    np.testing.assert_allclose(rises, 1.02, atol=0.003)


def test_two_structures_or_shares_too_few_give_no_interval():
    few = own_rows(blocks(BlockedDesign(structures=2)))
    assert (few.share.low, few.cost_of_even_split.low) == (None, None)
    assert np.isnan(few.curve.low).all()
    table = blocked_sweep(TRUTH, BlockedDesign(shares=(0.4, 0.5)))
    assert own_rows(blocks_of(table)[0]) is None
    one = own_rows(blocks(BlockedDesign(structures=1)))
    assert one.share.estimate is not None
    assert one.cost_of_even_split.estimate is None


def test_sampling_widens_share_and_cost():
    result = blocks(BlockedDesign(structures=10))
    rng = np.random.default_rng(0)
    tilt = rng.normal(0, 1.0, 100)
    losses = {}
    for place in np.ndindex(result.trial.shape):
        x = logit(result.share[place[:2]])
        relative = np.exp(tilt * x / 4)
        losses[int(result.trial[place])] = (
            np.exp(result.log_loss[place]) * relative / relative.mean()
        )
    plain, wide = own_rows(result), own_rows(result, ExampleLosses(losses))
    for name in ("share", "cost_of_even_split"):
        one, other = getattr(plain, name), getattr(wide, name)
        assert other.high - other.low > 1.2 * (one.high - one.low)
        assert one.estimate == other.estimate


def test_a_horizon_is_compared_with_the_same_structures_first_seeds():
    table = blocked_sweep(TRUTH, BlockedDesign(structures=6))
    few = table[(table["structure"] < 4) & (table["replicate"] == 0) & ~table["mirrored"]]
    longer = few.assign(
        phase="horizon",
        horizon=4.0,
        trial=few["trial"] + 1_000,
        val_loss=few["val_loss"] * np.exp(-0.2 * logit(few["decoder_share"])),
    )
    answers = horizons(pd.concat([table, longer]))
    assert list(answers) == [1.0, 4.0]
    one, four = answers[1.0][20_000], answers[4.0][20_000]
    assert (one.structures, four.structures) == (4, 4)
    assert {entry.runs for entry in one.contrasts} == {4}
    assert four.share.estimate > one.share.estimate
    after, before = ([c.family.estimate for c in x.contrasts] for x in (four, one))
    moved = np.subtract(after, before)
    expected = [-0.2 * logit(entry.share) for entry in one.contrasts]
    np.testing.assert_allclose(moved, expected, atol=1e-3)
    assert horizons(table) == {}


#: Draws, and how many of them at least and at most must be covered.
FEW = (12, 9, 12)
MANY = pytest.param((300, 276, 296), marks=pytest.mark.slow)


@pytest.mark.parametrize("counts", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("heavy_tails", [False, True])
def test_intervals_cover_the_truth(counts, heavy_tails):
    count, least, most = counts
    covered = {"contrast": 0, "share": 0, "cost": 0}
    spread = Spread(interaction=0.04, tilt=0.02, seed=0.04, heavy_tails=heavy_tails)
    exact = np.log(TRUTH.loss(20_000 / 3, 40_000 / 3) / TRUTH.loss(10_000.0, 10_000.0))
    for number in range(count):
        result = own_rows(blocks(BlockedDesign(off=0.03), spread, seed=number), seed=number)
        covered["contrast"] += result.contrasts[3].family.contains(exact)
        covered["share"] += result.share.contains(TRUTH.best_share(20_000))
        covered["cost"] += result.cost_of_even_split.contains(TRUTH.cost_of_even_split(20_000))
    assert min(covered.values()) >= least
    assert max(covered.values()) <= most


def test_the_interval_of_the_best_share_follows_its_level():
    curve = fit_curve(blocks(), None)
    widths = [best_share(curve, level).high - best_share(curve, level).low for level in (0.5, 0.95)]
    assert widths[0] < widths[1]
    assert best_share(replace(curve, edges=(0.2, 0.8)), 0.95).low >= 0.2


def grid(structures=8, noise=0.03, seed=0):
    """Log losses by structure and share: a level each, a valley over the shares, noise."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-2, 2, 7)
    levels = rng.normal(0, 0.3, (structures, 1))
    return levels + 0.05 * (x - 0.5) ** 2 + rng.normal(0, noise, (structures, 7))


def test_runs_that_settled_in_a_poor_optimum_are_found():
    values = grid()
    assert not outlying_cells(values).any()
    values[2, 6] += np.log(2)
    values[5, 0] += np.log(2)
    values[1, 3] = np.nan
    found = outlying_cells(values)
    assert sorted(zip(*np.nonzero(found), strict=True)) == [(2, 6), (5, 0)]


@pytest.mark.parametrize("structures", [3, 4, 6, 12])
@pytest.mark.slow
@pytest.mark.essential
def test_hardly_any_run_is_an_outlier_by_chance(structures):
    found = [outlying_cells(grid(structures, seed=seed)).sum() for seed in range(200)]
    assert np.sum(found) <= 0.001 * 200 * 7 * structures


def test_a_curve_leaves_outliers_out_and_counts_them():
    truth = truth_with_share("additive", 0.65, budget=20_000)
    design = BlockedDesign(budgets=(20_000,), structures=8, seeds=1)
    table = blocked_sweep(truth, design, Spread(interaction=0.02, seed=0.02), seed=3)
    far = (table["structure"] == 2) & (table["target_share"] > 0.85)
    poor = table.assign(val_loss=table["val_loss"] * np.where(far, 2.0, 1.0))
    (clean,), (blocks,) = blocks_of(table), blocks_of(poor)
    usual, robust = own_rows(clean), own_rows(blocks)
    assert usual.outliers == {}
    assert list(robust.outliers.values()) == [1]
    assert max(robust.outliers) > 0.85
    assert robust.share.estimate == pytest.approx(usual.share.estimate, abs=0.02)
    wide, narrow = (a.cost_of_even_split.high - a.cost_of_even_split.low for a in (robust, usual))
    assert wide < 1.5 * narrow
    last = [answer.contrasts[-1].family.estimate for answer in (usual, robust)]
    assert last[1] - last[0] == pytest.approx(np.log(2) / 8, abs=0.01)  # contrasts hold it

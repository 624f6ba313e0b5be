from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel

from asymnas.analysis.blocked.blocks import blocks_of
from asymnas.analysis.blocked.contrasts import contrasts, mirroring
from asymnas.analysis.blocked.curves import fit_curve, to_targets
from asymnas.analysis.blocked.sampling import ExampleLosses, resampled
from asymnas.analysis.blocked.synthetic import BlockedDesign, Spread, blocked_sweep
from asymnas.analysis.laws.synthetic import QuadraticTruth, truth_with_share

TRUTH = truth_with_share("additive", 0.65, budget=20_000)


def blocks(design=None, spread=None, seed=0, truth=TRUTH):
    (result,) = blocks_of(blocked_sweep(truth, design, spread, seed=seed))
    return result


def test_the_contrasts_of_complete_blocks_are_paired_t_tests():
    table = blocked_sweep(TRUTH, seed=3)
    (result,) = blocks_of(table)
    cells = np.log(table["val_loss"]).groupby(
        [table["mirrored"], table["structure"], table["target_share"].round(4)]
    )
    means = cells.mean().unstack()
    for entry in contrasts(result, None, level=0.95):
        test = ttest_rel(means.loc[False][round(entry.share, 4)], means.loc[False][0.5])
        ends = test.confidence_interval(0.95)
        assert (entry.family.low, entry.family.high) == pytest.approx((ends.low, ends.high))
        assert entry.p == pytest.approx(test.pvalue)
    test = ttest_rel(means.loc[True][0.5], means.loc[False][0.5])
    assert mirroring(result, None, level=0.95).p == pytest.approx(test.pvalue)


def test_the_primary_contrasts_alone_are_adjusted_for_each_other():
    entries = contrasts(blocks(seed=1), None, level=0.95)
    first = [entry for entry in entries if entry.primary]
    assert [round(entry.share, 3) for entry in first] == [0.333, 0.667]
    assert {entry.p_holm for entry in entries if not entry.primary} == {None}
    small, large = sorted(first, key=lambda entry: entry.p)
    assert small.p_holm == pytest.approx(2 * small.p)
    assert large.p_holm == pytest.approx(max(large.p, 2 * small.p))


def test_one_cell_less_costs_its_own_contrast_one_structure():
    table = blocked_sweep(TRUTH)
    gone = (table["structure"] == 2) & (table["target_share"].round(3) == 0.333)
    (whole,), (cut,) = blocks_of(table), blocks_of(table[~gone])
    counts = [entry.structures for entry in contrasts(cut, None, level=0.95)]
    assert counts == [6, 6, 5, 6, 6, 6]
    before, after = (contrasts(result, None, level=0.95) for result in (whole, cut))
    assert before[3] == replace(after[3], p_holm=before[3].p_holm)


def test_seeds_pair_the_runs_of_a_contrast():
    """A seed that one of the cells lacks does not count, however it went in the other."""
    table = blocked_sweep(TRUTH)
    lost = (table["structure"] == 0) & (table["replicate"] == 1) & (table["target_share"] == 0.5)
    wild = table["val_loss"].where(~((table["structure"] == 0) & (table["replicate"] == 1)), 9.0)
    (one,) = blocks_of(table[~lost])
    (other,) = blocks_of(table.assign(val_loss=wild)[~lost])
    left, right = (contrasts(result, None, level=0.95)[2] for result in (one, other))
    assert left.family == right.family
    assert left.runs == 11


def test_these_networks_vary_by_their_seeds_and_the_family_by_its_structures_too():
    many = BlockedDesign(structures=40, seeds=4)
    spread = Spread(interaction=0.05, seed=0.02)
    entry = contrasts(blocks(many, spread), None, level=0.95)[2]
    family = (entry.family.high - entry.family.low) / 2
    networks = (entry.networks.high - entry.networks.low) / 2
    assert family == pytest.approx(2.02 * np.sqrt(2 * (0.05**2 + 0.02**2 / 4) / 40), rel=0.25)
    assert networks == pytest.approx(1.98 * 0.02 * np.sqrt(2 / 4 / 40), rel=0.15)
    alone = contrasts(blocks(BlockedDesign(seeds=1)), None, level=0.95)[2]
    assert alone.networks.low is None


def test_two_structures_give_no_interval():
    entry = contrasts(blocks(BlockedDesign(structures=2)), None, level=0.95)[2]
    assert (entry.family.low, entry.p) == (None, None)
    assert entry.family.estimate is not None


def test_without_an_even_split_there_is_no_contrast():
    table = blocked_sweep(TRUTH, BlockedDesign(shares=(0.2, 0.4, 0.6, 0.8)))
    (result,) = blocks_of(table[~table["mirrored"]])
    assert contrasts(result, None, level=0.95) == ()
    assert mirroring(result, None, level=0.95) is None


def test_what_a_share_is_off_its_target_is_corrected_for():
    steep = QuadraticTruth(share=0.9, curvature=0.1, budget=20_000)
    spread = Spread(interaction=0.0, seed=0.0)
    exact = contrasts(blocks(BlockedDesign(), spread, truth=steep), None, level=0.95)
    off = blocks(BlockedDesign(off=0.03), spread, truth=steep)
    raw = contrasts(off, None, level=0.95)
    corrected = contrasts(to_targets(off, fit_curve(off, None)), None, level=0.95)
    errors = [
        max(abs(a.family.estimate - b.family.estimate) for a, b in zip(x, exact, strict=True))
        for x in (raw, corrected)
    ]
    assert errors[0] > 0.01
    assert errors[1] < 0.0005


def test_a_retry_stands_for_the_run_it_repeats_and_one_that_failed_too_counts():
    table = blocked_sweep(TRUTH).astype({"retry_of": "Int64"})
    again = table.iloc[[5, 6]].assign(trial=[900, 901], retry_of=pd.array([5, 6], dtype="Int64"))
    table.loc[[5, 6], ["state", "val_loss"]] = ["failed", np.nan]
    again.loc[6, ["state", "val_loss"]] = ["failed", np.nan]
    (result,) = blocks_of(pd.concat([table, again]))
    assert result.failures.failed == 1
    assert result.failures.runs == len(table)
    assert 900 in result.trial
    assert 901 not in result.trial


def test_a_cell_with_a_run_that_failed_has_no_value():
    """The other seeds went well: a mean over them would say that the share does."""
    table = blocked_sweep(TRUTH)
    third = (table["structure"] == 1) & (table["target_share"].round(3) == 0.333)
    table.loc[third & (table["replicate"] == 0), ["state", "val_loss"]] = ["failed", np.nan]
    (result,) = blocks_of(table)
    assert [entry.structures for entry in contrasts(result, None, level=0.95)] == [6, 6, 5, 6, 6, 6]
    assert set(table.loc[third, "trial"]).isdisjoint(result.trial.ravel())


@pytest.mark.parametrize(("at", "differ"), [((0,), True), (range(7), False)])
def test_failures_that_go_with_the_share_are_shown(at, differ):
    table = blocked_sweep(TRUTH, BlockedDesign(structures=12, mirrored=False))
    shares = np.sort(table["target_share"].unique())[list(at)]
    failed = table["target_share"].isin(shares) & (table["structure"] < 12 // len(at))
    failed &= table["replicate"] == 0
    table.loc[failed, ["state", "val_loss"]] = ["failed", np.nan]
    (result,) = blocks_of(table)
    assert result.failures.failed == failed.sum()
    assert sum(result.failures.by_share.values()) == failed.sum()
    assert (result.failures.p < 0.05) == differ


def example_losses(result, count, rng, groups=None, size=0.5):
    """Losses of examples that are hard for all runs alike, and for each share in its own way."""
    common = rng.gamma(2, 1, count)
    each = {}
    for place in np.ndindex(result.trial.shape):
        own = np.random.default_rng([place[1], 7]).normal(0, size, count)
        loss = np.maximum(common + own, 0.01)
        scaled = loss / loss.mean() * np.exp(result.log_loss[place])
        each[int(result.trial[place])] = scaled.astype(np.float32)
    return ExampleLosses(each, groups)


def test_sampling_widens_the_intervals_by_its_variance():
    """The structures share examples, so that more structures do not average their sampling out."""
    result = blocks(BlockedDesign(structures=8))
    losses = example_losses(result, 200, np.random.default_rng(0))
    sampling = resampled(losses, result)
    plain, wide = (contrasts(result, s, level=0.95)[2] for s in (None, sampling))
    even, other = (np.asarray(losses.losses[int(result.trial[0, c, 0])]) for c in (3, 2))
    influence = other / other.mean() - even / even.mean()
    expected = influence.std() / np.sqrt(200)
    assert wide.sampling == pytest.approx(expected, rel=0.1)
    assert wide.family.high - wide.family.low > plain.family.high - plain.family.low
    assert wide.networks.high - wide.networks.low > plain.networks.high - plain.networks.low
    assert plain.sampling is None


def test_examples_that_belong_together_are_resampled_together():
    result = blocks()
    losses = example_losses(result, 200, np.random.default_rng(0))
    five_times = {trial: np.repeat(values, 5) for trial, values in losses.losses.items()}
    apart = resampled(ExampleLosses(five_times), result)
    together = resampled(ExampleLosses(five_times, np.repeat(np.arange(200), 5)), result)
    alone = resampled(losses, result)
    deviations = [contrasts(result, s, level=0.95)[2].sampling for s in (apart, together, alone)]
    assert deviations[1] == pytest.approx(deviations[2], rel=1e-6)
    assert deviations[0] == pytest.approx(deviations[2] / np.sqrt(5), rel=0.1)


def test_losses_known_of_some_runs_only_are_no_sampling():
    result = blocks()
    losses = example_losses(result, 20, np.random.default_rng(0))
    some = dict(list(losses.losses.items())[1:])
    assert resampled(ExampleLosses(some), result) is None
    assert resampled(ExampleLosses(losses.losses, np.zeros(20, dtype=int)), result) is None
    assert resampled(None, result) is None

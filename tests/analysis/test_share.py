from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from marks import essential_first, fast_first

from asymnas.analysis.blocked.sampling import ExampleLosses
from asymnas.analysis.blocked.synthetic import BlockedDesign, Spread, blocked_sweep
from asymnas.analysis.estimates import PRIMARY
from asymnas.analysis.laws.synthetic import Design, Noise, synthetic_sweep, truth_with_share
from asymnas.analysis.share import REACH, infer_share
from asymnas.core.errors import ConfigError

LAWS = ("additive", "multiplicative")
ONE_BUDGET = Design(budgets=(150_000,))
EXACT = Noise(architecture=0.0, seed=0.0)
#: Without noise, one run of one architecture is as good as many.
THREE = Design(architectures=1, seeds=1)
ONE = Design(budgets=(150_000,), architectures=1, seeds=1)
QUICK = {"resamples": 100}


def sweep(law="additive", share=0.65, design=None, noise=None, seed=0):
    return synthetic_sweep(truth_with_share(law, share), design, noise, seed=seed)


@pytest.fixture(scope="module")
def usual():
    return sweep(design=Design(budgets=(50_000, 150_000)), seed=1)


@pytest.mark.parametrize("design", [THREE, ONE], ids=["three", "one"])
@pytest.mark.parametrize("share", fast_first([0.2, 0.5, 0.65]))
@pytest.mark.parametrize("law", LAWS)
def test_without_noise_the_best_share_is_exact(law, share, design):
    truth = truth_with_share(law, share)
    found = infer_share(synthetic_sweep(truth, design, EXACT), resamples=100)
    assert found.law == law
    for entry in found.budgets:
        best = truth.best_share(entry.budget)
        assert entry.share.estimate == pytest.approx(best, abs=0.001)
        assert entry.cost_of_even_split.estimate == pytest.approx(
            truth.cost_of_even_split(entry.budget), abs=1e-4
        )
        assert entry.within.low < best < entry.within.high
        edge = truth.loss(entry.budget * (1 - entry.within.low), entry.budget * entry.within.low)
        lowest = truth.loss(entry.budget * (1 - best), entry.budget * best)
        assert edge / lowest == pytest.approx(1.01, abs=1e-3)


#: Draws, and how many of them at least must be covered and of the right law.
DRAWS, LEAST_COVERED, LEAST_RIGHT = 30, 26, 25


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.slow
def test_intervals_cover_the_truth_and_the_right_law_is_chosen(law):
    covered, cost, right = 0, 0, 0
    for number in range(DRAWS):
        rng = np.random.default_rng(number)
        truth = truth_with_share(law, rng.choice([0.2, 0.35, 0.65, 0.8]))
        found = infer_share(synthetic_sweep(truth, seed=number), **QUICK)
        entry = found.budgets[1]
        covered += entry.share.contains(truth.best_share(150_000))
        lacking = entry.cost_of_even_split.low is None  # lack of fit at .05, by chance
        cost += lacking or entry.cost_of_even_split.contains(truth.cost_of_even_split(150_000))
        right += found.law == law
    assert min(covered, cost) >= LEAST_COVERED  # of 30, intervals of 80 % mostly fail this
    assert right >= LEAST_RIGHT


@pytest.mark.parametrize("law", essential_first(LAWS, 1))
def test_sides_that_are_alike_are_not_distinguished(law):
    truth = truth_with_share(law, 0.5, exponents=(0.4, 0.4))
    claims = 0
    for number in range(DRAWS):
        found = infer_share(synthetic_sweep(truth, ONE_BUDGET, seed=number), **QUICK)
        claims += found.budgets[0].outcome.endswith("heavy")
    assert claims <= 2


def test_the_order_of_rows_does_not_matter(usual):
    shuffled = usual.sample(frac=1, random_state=0)
    assert_same(infer_share(usual, **QUICK), infer_share(shuffled, **QUICK))


@pytest.mark.slow
@pytest.mark.essential
def test_a_seed_fixes_it(usual):
    first = infer_share(usual, seed=3, **QUICK)
    assert_same(first, infer_share(usual, seed=3, **QUICK))
    assert first.budgets[0].share.low != infer_share(usual, seed=4, **QUICK).budgets[0].share.low


def test_the_unit_of_the_loss_does_not_matter(usual):
    one = infer_share(usual, **QUICK)
    other = infer_share(usual.assign(val_loss=usual["val_loss"] * 1e6), **QUICK)
    for left, right in zip(one.budgets, other.budgets, strict=True):
        assert left.share.estimate == pytest.approx(right.share.estimate, abs=1e-3)
        np.testing.assert_allclose(left.curve.y * 1e6, right.curve.y, rtol=1e-3)


def test_swapping_the_sides_mirrors_everything(usual):
    swapped = usual.rename(
        columns={"encoder_params": "decoder_params", "decoder_params": "encoder_params"}
    )
    swapped = swapped.assign(target_share=(1 - usual["target_share"]).round(6))
    one, other = infer_share(usual, **QUICK), infer_share(swapped, **QUICK)
    for left, right in zip(one.budgets, other.budgets, strict=True):
        assert left.share.estimate == pytest.approx(1 - right.share.estimate, abs=2e-3)
        assert left.cost_of_even_split.estimate == pytest.approx(
            right.cost_of_even_split.estimate, abs=1e-3
        )


def test_only_finished_measuring_runs_count(usual):
    noise = usual.assign(val_loss=usual["val_loss"].sample(frac=1, random_state=0).to_numpy())
    others = [
        noise.assign(phase="screening"),
        noise.assign(phase="tuning"),
        noise.assign(state="pruned"),
        noise.assign(state="failed", val_loss=float("nan")),
        noise.assign(state="running"),
    ]
    found = infer_share(pd.concat([usual, *others]), **QUICK)
    assert_same(found, infer_share(usual, **QUICK))


@pytest.mark.parametrize("best", [0, 1])
def test_rates_at_an_end_of_their_range_withhold_the_verdict(best):
    """One budget's rates all lie at the lowest of three; the other's in the middle."""
    design = Design(budgets=(50_000, 150_000))
    measured = sweep(share=0.8, noise=Noise(architecture=0.02), design=design)
    first = measured[measured["replicate"] == 0]
    runs = []
    for place, rate in enumerate((1e-3, 4e-3, 1.6e-2)):
        worse = 1 + np.abs(place - np.where(first["budget"] == 50_000, best, 1))
        short = {"learning_rate": rate, "val_loss": first["val_loss"] * worse}
        runs.append(first.assign(phase="tuning", **short))
    small, large = infer_share(pd.concat([measured, *runs]), **QUICK).budgets
    assert (small.edge_rates, large.edge_rates) == (1.0 if best == 0 else 0.0, 0.0)
    assert small.outcome == ("inconclusive" if best == 0 else "decoder-heavy")
    assert small.why == (("learning rates at an end",) if best == 0 else ())
    assert large.outcome == "decoder-heavy"
    assert infer_share(measured, **QUICK).budgets[0].edge_rates is None


def test_structure_is_adjusted_for():
    table = sweep(noise=Noise(architecture=0.03, seed=0.02, structure=0.15), design=ONE_BUDGET)
    bare = table[[name for name in table if not name.startswith("drawn.")]]
    adjusted, plain = infer_share(table, **QUICK), infer_share(bare, **QUICK)
    assert adjusted.deviations["architecture"] < 0.05 < 0.1 < plain.deviations["architecture"]
    widths = [np.ptp([f.budgets[0].share.low, f.budgets[0].share.high]) for f in (adjusted, plain)]
    assert widths[0] < 0.6 * widths[1]


@pytest.mark.slow
@pytest.mark.essential
def test_draws_of_size_and_rate_are_not_adjusted_for(usual):
    named = usual.assign(
        **{
            "drawn.decoder_share": usual["decoder_share"],
            "drawn.budget": usual["budget"].astype(str),
            "drawn.learning_rate": usual["val_loss"],
        }
    )
    assert_same(infer_share(named, **QUICK), infer_share(usual, **QUICK))


@pytest.mark.slow
@pytest.mark.essential
def test_deviations_and_explained_variance_are_those_of_the_noise():
    noise = Noise(architecture=0.08, seed=0.04)
    found = infer_share(sweep(design=Design(architectures=8), noise=noise), **QUICK)
    assert found.deviations["architecture"] == pytest.approx(0.08, rel=0.2)
    assert found.deviations["seed"] == pytest.approx(0.04, rel=0.2)
    assert found.explained > 0.8


@pytest.mark.slow
@pytest.mark.essential
def test_the_trend_reaches_beyond_the_swept_budgets(usual):
    found = infer_share(usual, **QUICK)
    assert found.trend.x[0] == pytest.approx(50_000 / REACH)
    assert found.trend.x[-1] == pytest.approx(150_000 * REACH)
    at = np.interp(150_000, found.trend.x, found.trend.y)
    assert at == pytest.approx(found.budgets[1].share.estimate, abs=0.01)
    assert (found.trend.low <= found.trend.y).all()
    assert (found.trend.y <= found.trend.high).all()


def test_one_budget_has_no_trend():
    found = infer_share(sweep(design=ONE_BUDGET), **QUICK)
    assert found.trend is None
    assert [entry.budget for entry in found.budgets] == [150_000]


def test_entries_say_what_they_rest_on(usual):
    for entry in infer_share(usual, **QUICK).budgets:
        assert (entry.architectures, entry.runs) == (36, 108)
        assert (entry.curve.low <= entry.curve.y).all()
        assert (entry.curve.y <= entry.curve.high).all()
        assert 0.1 <= entry.share.low < entry.share.estimate < entry.share.high <= 0.9
        assert entry.cross_check.low <= entry.cross_check.estimate <= entry.cross_check.high


def test_in_macs_a_budget_is_the_median_total(usual):
    found = infer_share(usual, sizes="macs", **QUICK)
    totals = usual.groupby(["budget", "cluster"])["total_macs"].first().groupby("budget").median()
    assert [entry.budget for entry in found.budgets] == [round(total) for total in totals]
    assert found.sizes == "macs"


def test_the_cost_of_an_even_split_is_uncertain_where_it_is_nil():
    entry = infer_share(sweep(share=0.5, design=ONE_BUDGET, seed=2), **QUICK).budgets[0]
    assert entry.cost_of_even_split.low <= 0 < entry.cost_of_even_split.high


@pytest.mark.parametrize(("law", "share"), [("additive", 0.97), ("multiplicative", 0.03)])
def test_an_optimum_beyond_the_trained_shares_is_at_the_edge(law, share):
    found = infer_share(sweep(law, share, design=ONE_BUDGET, noise=EXACT), **QUICK)
    assert found.budgets[0].at_edge
    assert found.budgets[0].share.estimate == pytest.approx(0.9 if share > 0.5 else 0.1)


@pytest.mark.slow
@pytest.mark.essential
def test_an_outlier_hardly_counts(usual):
    wild = usual.copy()
    wild.loc[7, "val_loss"] = 1e30
    before, after = infer_share(usual, **QUICK), infer_share(wild, **QUICK)
    for left, right in zip(before.budgets, after.budgets, strict=True):
        assert left.share.estimate == pytest.approx(right.share.estimate, abs=0.03)
    assert (before.outliers, after.outliers) == (0, 1)


@pytest.mark.slow
@pytest.mark.essential
def test_losses_that_no_law_fits_have_no_cost_interval(usual):
    share = usual["decoder_share"]
    found = infer_share(usual.assign(val_loss=np.exp(np.cos(20 * share)) * 0.02), **QUICK)
    assert found.departs
    assert {entry.cost_of_even_split.high for entry in found.budgets} == {None}
    assert {entry.outcome for entry in found.budgets} == {"inconclusive"}
    assert {entry.why for entry in found.budgets} == {("no interval",)}


def test_noise_alone_is_not_explained(usual):
    noise = np.exp(np.random.default_rng(0).normal(-4, 0.1, len(usual)))
    found = infer_share(usual.assign(val_loss=noise), **QUICK)
    assert found.explained < 0.1
    assert found.explained_by_share < 0
    assert not any(entry.outcome.endswith("heavy") for entry in found.budgets)


def nothing_finished(coverage):
    return coverage.strata == () and coverage.rejected == 0


def all_rejected(coverage):
    return coverage.strata == () and coverage.rejected == 216


def losses_alike(coverage):
    return not coverage.loss_varies and len(coverage.strata) == 2


def shares(count):
    return lambda coverage: all(stratum.shares == count for stratum in coverage.strata)


NOTHING = {
    "no rows": (lambda t: t.iloc[:0], nothing_finished),
    "no columns": (lambda t: pd.DataFrame(), nothing_finished),
    "all pruned": (lambda t: t.assign(state="pruned"), nothing_finished),
    "all failed": (lambda t: t.assign(state="failed", val_loss=np.nan), nothing_finished),
    "all tuning": (lambda t: t.assign(phase="tuning"), nothing_finished),
    "not a number": (lambda t: t.assign(val_loss=np.nan), all_rejected),
    "infinite": (lambda t: t.assign(val_loss=np.inf), all_rejected),
    "zero": (lambda t: t.assign(val_loss=0.0), all_rejected),
    "constant": (lambda t: t.assign(val_loss=0.02), losses_alike),
    "one row": (lambda t: t.iloc[:1], shares(1)),
    "one share": (lambda t: t[t["target_share"] == 0.5], shares(1)),
    "two shares": (lambda t: t[t["target_share"].isin([0.3, 0.5])], shares(2)),
}


@pytest.mark.parametrize("name", NOTHING)
@pytest.mark.parametrize("sizes", ["params", "macs"])
def test_nothing_to_go_by_gives_nothing_and_shows_why(usual, name, sizes):
    change, why = NOTHING[name]
    found = infer_share(change(usual), sizes=sizes)
    assert (found.law, found.budgets, found.trend) == (None, (), None)
    assert why(found.coverage)


def test_few_architectures_give_an_estimate_without_intervals(usual):
    few = usual[usual["cluster"].isin([0, 9, 16, 23, 35])]
    found = infer_share(few)
    (entry,) = found.budgets
    assert 0.1 <= entry.share.estimate <= 0.9
    for interval in (entry.share, entry.cost_of_even_split, entry.cross_check):
        assert (interval.low, interval.high) == (None, None)
    assert np.isnan(entry.curve.low).all()
    assert [stratum.architectures for stratum in found.coverage.strata] == [5]


def test_one_architecture_per_share_replicates_none():
    found = infer_share(sweep(design=Design(architectures=1)), **QUICK)
    assert found.budgets[0].share.low is not None
    assert not found.coverage.shares_replicated


def test_one_seed_leaves_its_noise_unknown():
    found = infer_share(sweep(design=Design(seeds=1)), **QUICK)
    assert set(found.deviations) == {"architecture"}
    assert not found.coverage.seeds_replicated


def test_seeds_that_failed_leave_an_architecture_with_less_weight(usual):
    table = usual.copy()
    table.loc[(table["replicate"] > 0) & (table["cluster"] % 3 == 0), "state"] = "failed"
    found = infer_share(table, **QUICK)
    assert found.budgets[0].runs < found.budgets[0].architectures * 3
    truth = truth_with_share("additive", 0.65)
    assert found.budgets[1].share.contains(truth.best_share(150_000))


def test_without_a_share_of_one_half_the_cost_is_unknown(usual):
    found = infer_share(usual[usual["target_share"] > 0.55], **QUICK)
    assert {entry.cost_of_even_split.estimate for entry in found.budgets} == {None}


def test_draws_of_every_kind_are_taken(usual):
    rows = np.arange(len(usual)) // 3
    odd = usual.assign(
        **{
            "drawn.word": [None if i % 2 else "x" for i in rows],
            "drawn.number": [np.nan if i % 2 else i % 5 for i in rows],
            "drawn.truth": rows % 2 == 0,
            "drawn.pair": [(1, 2) if i % 2 else (3,) for i in rows],
            "drawn.same": "a",
            "drawn.missing": None,
        }
    )
    assert infer_share(odd, **QUICK).budgets[0].share.low is not None


def test_missing_losses_and_architectures_are_left_out_and_a_missing_phase_is_none(usual):
    odd = usual.astype({"val_loss": object, "cluster": "Int64", "phase": object})
    odd.loc[0, "val_loss"], odd.loc[1, "cluster"], odd.loc[2, "phase"] = None, pd.NA, pd.NA
    assert infer_share(odd, **QUICK).budgets[0].runs == 106


@pytest.mark.parametrize(
    "wrong",
    [{"tolerance": 0}, {"level": 1}, {"resamples": 10}, {"sizes": "bytes"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_out_of_range_are_errors(usual, wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        infer_share(usual, **wrong)


def test_a_table_of_no_sweep_is_an_error(usual):
    with pytest.raises(ConfigError, match="'cluster'"):
        infer_share(usual.drop(columns="cluster"))


BUDGETS = (20_000, 60_000)


def blocked(share=0.65, spread=None, budgets=BUDGETS, seed=0, **design):
    truth = truth_with_share("additive", share, budget=20_000)
    return blocked_sweep(truth, BlockedDesign(budgets=budgets, **design), spread, seed=seed)


@pytest.fixture(scope="module")
def in_blocks():
    return blocked(0.8, Spread(interaction=0.01, seed=0.02))


@pytest.fixture(scope="module")
def of_blocks(in_blocks):
    return infer_share(in_blocks, **QUICK)


def test_blocks_are_judged_by_their_own_rows_and_the_law_stands_beside(of_blocks):
    found = of_blocks
    truth = truth_with_share("additive", 0.8, budget=20_000)
    for entry in found.budgets:
        best = truth.best_share(entry.budget)
        assert entry.share.contains(best)
        assert entry.pooled.contains(best)
        assert entry.wide_prior.estimate == pytest.approx(best, abs=0.05)
        assert entry.pooled.high - entry.pooled.low < entry.share.high - entry.share.low
        assert entry.cost_of_even_split.contains(truth.cost_of_even_split(entry.budget))
        assert entry.outcome == "decoder-heavy"
        assert (entry.structures, entry.architectures, entry.runs) == (6, 42, 84)
        assert [contrast.share for contrast in entry.primary] == pytest.approx(PRIMARY, abs=1e-5)
        assert entry.mirroring.family.contains(0.0)
        assert entry.detectable < 0.05


@pytest.mark.slow
@pytest.mark.essential
def test_one_budget_does_not_move_the_others_own_answer(in_blocks, of_blocks):
    worse = in_blocks["budget"] == 60_000
    bent = in_blocks["val_loss"] * np.where(worse, np.exp(in_blocks["decoder_share"]), 1.0)
    other = infer_share(in_blocks.assign(val_loss=bent), **QUICK)
    left, right = of_blocks.budgets[0], other.budgets[0]
    assert left.share == right.share
    assert left.cost_of_even_split == right.cost_of_even_split
    assert left.contrasts == right.contrasts
    assert left.pooled != right.pooled


def test_levels_of_structures_hide_nothing_from_the_law():
    """Between structures losses differ ten times more than with the share."""
    noise = Spread(structure=1.0, interaction=0.01, seed=0.01)
    found = infer_share(blocked(0.7, noise, budgets=(20_000,)), **QUICK)
    best = truth_with_share("additive", 0.7, budget=20_000).best_share(20_000)
    assert found.budgets[0].pooled.estimate == pytest.approx(best, abs=0.03)
    assert found.deviations["architecture"] < 0.03


@pytest.mark.slow
@pytest.mark.essential
def test_a_mirrored_run_and_another_horizon_are_no_part_of_a_share(in_blocks, of_blocks):
    other = in_blocks[in_blocks["replicate"] == 0]
    other = other.assign(phase="horizon", horizon=4.0, val_loss=1.0, trial=other["trial"] + 10_000)
    wild = in_blocks["val_loss"].where(~in_blocks["mirrored"], 1.0)
    changed = pd.concat([in_blocks.assign(val_loss=wild), other])
    changed = infer_share(changed, **QUICK)
    for left, right in zip(of_blocks.budgets, changed.budgets, strict=True):
        assert_same(left, replace(right, mirroring=left.mirroring))


def test_in_macs_the_law_alone_gives_the_answer(in_blocks):
    found = infer_share(in_blocks, sizes="macs", **QUICK)
    for entry in found.budgets:
        assert (entry.structures, entry.contrasts) == (0, ())
        assert entry.share == entry.pooled


@pytest.mark.slow
@pytest.mark.essential
def test_known_example_losses_widen_the_intervals(in_blocks, of_blocks):
    rng = np.random.default_rng(0)
    tilt = rng.normal(0, 1, 60)
    losses = {
        int(row.trial): row.val_loss * np.exp(tilt * row.decoder_share)
        for row in in_blocks.itertuples()
    }
    plain = of_blocks.budgets[0]
    wide = infer_share(in_blocks, ExampleLosses(losses), **QUICK).budgets[0]
    for one, other in zip(plain.contrasts, wide.contrasts, strict=True):
        assert other.family.high - other.family.low > one.family.high - one.family.low


def test_a_sweep_that_stopped_at_a_width_has_wider_intervals(in_blocks, of_blocks):
    plain = of_blocks.budgets[0].primary[0].family
    stopped = infer_share(in_blocks, stopped=True, **QUICK).budgets[0].primary[0].family
    assert stopped.low < plain.low < plain.high < stopped.high


def test_without_blocks_there_are_no_contrasts(usual):
    for entry in infer_share(usual, **QUICK).budgets:
        assert (entry.structures, entry.contrasts, entry.mirroring) == (0, (), None)
        assert entry.share == entry.pooled


def assert_same(one, other):
    """Equal in every figure."""
    np.testing.assert_equal(asdict(one), asdict(other))

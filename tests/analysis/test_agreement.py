import numpy as np
import pandas as pd
import pytest
from made_tables import RUNGS, made_table
from scipy.stats import kendalltau
from swept_tables import swept

from asymnas.analysis.checks import ALL, BINS, agreement


def of(table, shares=ALL, place=0):
    found = [entry for entry in agreement(table).rungs if entry.shares == shares]
    return found[place]


def test_every_rung_is_held_against_the_last_over_all_shares_and_each_third():
    found = agreement(made_table(600))
    assert [(e.examples, e.shares) for e in found.rungs] == [
        (rung, shares) for rung in RUNGS[:-1] for shares in (ALL, *BINS)
    ]
    assert found.horizon == RUNGS[-1]
    by_rung = [e.tau.estimate for e in found.rungs if e.shares == ALL]
    assert by_rung == sorted(by_rung)


def test_where_trials_were_pruned_only_the_quota_is_judged():
    table = made_table(600)
    exempt = table[
        (table["state"] == "complete") & table["never_pruned"] & table["duplicate_of"].isna()
    ]
    found = agreement(table)
    assert found.never_pruned
    assert found.trials == len(exempt)
    losses = np.array([[point[1] for point in curve] for curve in exempt["curve"]])
    expected = kendalltau(losses[:, 0], losses[:, -1]).statistic
    assert of(table).tau.estimate == pytest.approx(expected)
    unpruned = table[table["state"] == "complete"]
    assert not agreement(unpruned).never_pruned
    assert agreement(unpruned).trials == unpruned["duplicate_of"].isna().sum()


def test_sides_that_learn_slowly_are_shown():
    slow = swept(slow_decoders=0.4, shares=12)
    assert of(slow, BINS[2]).shift.low > 0
    assert of(slow, BINS[0]).shift.high < 0


def test_shifts_of_rank_cancel_over_the_bins():
    table = swept(slow_decoders=0.3, shares=12)
    entries = [e for e in agreement(table).rungs if e.shares != ALL]
    assert sum(e.trials * e.shift.estimate for e in entries) == pytest.approx(0, abs=1e-9)


def test_budgets_do_not_agree_for_being_budgets():
    """Within each budget the early losses are noise; between them they would rank the trials."""
    rng = np.random.default_rng(0)
    table = swept()
    level = np.where(table["budget"] == 50_000, 9.0, 1.0)
    early = level * np.exp(rng.normal(0, 0.1, len(table)))
    table["curve"] = [
        [[20, float(e)], [80, float(f)]] for e, f in zip(early, table["val_loss"], strict=True)
    ]
    assert abs(of(table).tau.estimate) < 0.2
    assert of(table.drop(columns="budget")).tau.estimate > 0.3


def test_order_and_unit_do_not_matter_and_tuning_runs_are_left_out():
    table = swept()
    short = table.head(5).assign(phase="tuning", trial=range(900, 905), curve=[[[7, 1.0]]] * 5)
    scaled = table.iloc[::-1].assign(
        curve=[[[n, 1e3 * v] for n, v in curve] for curve in table["curve"][::-1]]
    )
    changed = pd.concat([short, scaled])
    for one, other in zip(agreement(table).rungs, agreement(changed).rungs, strict=True):
        assert (one.examples, one.shares) == (other.examples, other.shares)
        assert one.trials == other.trials
        assert one.tau.estimate == pytest.approx(other.tau.estimate)


def test_seeds_do_not_count_as_architectures():
    table = swept(shares=2, seeds=8)
    assert len(table) == 64
    assert of(table).tau.estimate is None


def test_few_trials_give_no_estimate():
    assert of(made_table(60)).tau.estimate is None

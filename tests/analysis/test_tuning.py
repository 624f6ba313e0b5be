"""Structures and learning rates chosen by short runs."""

import numpy as np
import pandas as pd
import pytest

from asymnas.analysis.tuning import best_rate, best_rates, edge_rates, edge_share, kept
from asymnas.core import columns as t

RATES = [0.001, 0.004, 0.016]
ARCHITECTURES = 5


def tuned(losses, budget=5_000, share=0.5, phase=t.TUNING, first=0):
    """Tuning runs of one budget and share: losses by architectures and rates, `None` if failed."""
    rows = [
        {
            t.PHASE: phase,
            t.BUDGET: budget,
            t.TARGET_SHARE: share,
            t.CLUSTER: first + place,
            t.LEARNING_RATE: rate,
            t.STATE: "failed" if loss is None else "complete",
            t.VAL_LOSS: np.nan if loss is None else loss,
        }
        for place, row in enumerate(losses)
        for rate, loss in zip(RATES, row, strict=True)
    ]
    return pd.DataFrame(rows)


def chosen(table):
    """Rates in the order of the architectures."""
    best = best_rates(table, RATES)
    return [best[cluster] for cluster in sorted(best)]


def test_each_architecture_takes_the_rate_of_its_lowest_loss():
    middle, high = [3.0, 1.0, 2.0], [3.0, 2.0, 0.3]
    assert chosen(tuned([middle, middle, middle, high, high])) == [RATES[1]] * 3 + [RATES[2]] * 2


def test_budgets_and_shares_are_judged_apart_and_other_runs_are_not_looked_at():
    small, large = tuned([[1.0, 2.0, 3.0]] * 2), tuned([[3.0, 2.0, 1.0]] * 2, 9_000, first=2)
    apart = tuned([[3.0, 1.0, 2.0]] * 2, share=0.9, first=4)
    measured = tuned([[9.0, 0.1, 9.0]] * 5, phase=t.MEASURE)
    table = pd.concat([large, measured, apart, small])
    assert chosen(table) == [RATES[0]] * 2 + [RATES[2]] * 2 + [RATES[1]] * 2
    shuffled = table.sample(frac=1, random_state=0)
    assert best_rates(shuffled, RATES) == best_rates(table, RATES)


def test_the_others_of_a_share_outvote_a_lucky_run():
    usual, lucky = [2.0, 1.0, 1.6], [2.0, 1.0, 0.9]
    assert chosen(tuned([usual, usual, lucky, usual, usual])) == [RATES[1]] * ARCHITECTURES
    assert chosen(tuned([lucky])) == [RATES[2]]


def test_the_others_do_not_outvote_a_clear_difference():
    usual, apart = [2.0, 1.0, 1.2], [2.0, 1.0, 0.3]
    assert chosen(tuned([usual, usual, apart, usual, usual]))[2] == RATES[2]


def test_the_others_count_by_their_shape_not_their_level():
    noise = np.random.default_rng(0).normal(0, 0.03, (5, 3))
    shape = np.log([1.3, 1.0, 1.2])
    levels = np.log([[100.0], [10.0], [1.0], [0.1], [0.01]])
    assert chosen(tuned(np.exp(levels + shape + noise))) == [RATES[1]] * ARCHITECTURES


@pytest.mark.parametrize("broken", [None, float("nan"), float("inf")])
def test_a_rate_at_which_a_run_broke_is_out_and_doubtful_for_the_others(broken):
    assert chosen(tuned([[3.0, 2.0, broken]] * 3)) == [RATES[1]] * 3
    assert chosen(tuned([[3.0, 2.0, 1.7], [3.0, 2.0, broken]])) == [RATES[1]] * 2


def test_the_lowest_is_taken_where_all_broke():
    assert chosen(tuned([[None] * 3] * 2)) == [RATES[0]] * 2
    fine = [3.0, 1.0, 2.0]
    assert chosen(tuned([fine, [None] * 3, fine])) == [RATES[1], RATES[0], RATES[1]]


def test_no_tuning_runs_no_rates():
    empty = tuned([[1.0, 2.0, 3.0]], phase=t.MEASURE)
    assert best_rates(empty, RATES) == {}
    assert best_rates(empty.drop(columns=t.PHASE), RATES) == {}
    assert edge_share(empty) is None
    assert edge_share(empty.drop(columns=t.PHASE)) is None


def entered(losses, name="mirror", phase=t.TUNING):
    """Tuning runs of one contender."""
    table = tuned([losses], phase=phase)
    return table.assign(**{t.CONTENDER: name})


def test_a_contender_takes_the_rate_of_its_own_lowest_loss():
    table = pd.concat(
        [
            entered([3.0, 1.0, 2.0]),
            entered([1.0, 2.0, 3.0], "reference"),
            entered([2.0, 2.0, 0.1], phase=t.MEASURE),
        ],
        ignore_index=True,
    )
    assert best_rate(table, t.CONTENDER, "mirror", RATES) == RATES[1]
    assert best_rate(table, t.CONTENDER, "reference", RATES) == RATES[0]


@pytest.mark.parametrize("broken", [None, float("nan")])
def test_a_contender_whose_runs_broke_takes_another_rate_or_the_middle(broken):
    table = entered([2.0, broken, broken])
    assert best_rate(table, t.CONTENDER, "mirror", RATES) == RATES[0]
    table = entered([broken] * 3)
    assert best_rate(table, t.CONTENDER, "mirror", RATES) == RATES[1]
    assert best_rate(table, t.CONTENDER, "nobody", RATES) == RATES[1]
    assert best_rate(table.drop(columns=t.PHASE), t.CONTENDER, "mirror", RATES) == RATES[1]


def test_the_part_of_strata_whose_rate_is_at_the_edge():
    low, middle, high = [1.0, 3.0, 9.0], [3.0, 1.0, 3.0], [9.0, 3.0, 1.0]
    assert edge_share(tuned([middle] * 5)) == 0.0
    assert edge_share(tuned([low] * 5)) == 1.0
    assert edge_share(tuned([low, low, middle, high, high])) == pytest.approx(0.8)


def test_two_rates_have_no_inside():
    table = tuned([[1.0, 2.0, 3.0]] * 5)
    assert edge_share(table[table[t.LEARNING_RATE] < RATES[2]]) is None


def test_the_part_at_the_edge_is_counted_by_budget_at_the_ends_of_all_rates():
    low, middle, high = [1.0, 2.0, 3.0], [2.0, 1.0, 1.2], [2.0, 1.0, 0.3]
    table = pd.concat([tuned([low] * 4), tuned([middle, middle, middle, high], 9_000, first=4)])
    assert edge_rates(table) == {5_000: 1.0, 9_000: 0.25}
    assert edge_rates(table.assign(phase=t.MEASURE)) == {}


def screened(losses, phase=t.SCREENING):
    """Screening runs: budget, share, cluster and loss, `None` for a failed run."""
    rows = [
        {
            t.PHASE: phase,
            t.BUDGET: budget,
            t.TARGET_SHARE: share,
            t.CLUSTER: cluster,
            t.STATE: "failed" if loss is None else "complete",
            t.VAL_LOSS: np.nan if loss is None else loss,
        }
        for budget, share, cluster, loss in losses
    ]
    return pd.DataFrame(rows)


def test_each_stratum_keeps_its_best_structures():
    table = screened(
        [
            *[(100, 0.3, 0, 3.0), (100, 0.3, 2, 1.0), (100, 0.3, 4, 2.0)],
            *[(100, 0.7, 1, 9.0), (100, 0.7, 3, 8.0), (100, 0.7, 5, 7.0)],
            *[(200, 0.3, 6, 0.1), (200, 0.3, 7, 0.3), (200, 0.3, 8, 0.2)],
        ]
    )
    assert kept(table, 1) == [2, 5, 6]
    assert kept(table, 2) == [2, 3, 4, 5, 6, 8]
    assert kept(table, 3) == list(range(9))
    assert kept(table.sample(frac=1, random_state=1), 2) == kept(table, 2)
    measured = screened([(100, 0.3, 0, 0.1)], phase=t.MEASURE)
    assert kept(pd.concat([table, measured]), 1) == [2, 5, 6]
    assert kept(measured, 1) == kept(measured.drop(columns=t.PHASE), 1) == []


@pytest.mark.parametrize("broken", [None, float("nan"), float("inf")])
def test_a_failed_structure_is_kept_for_lack_of_others_only(broken):
    table = screened([(100, 0.3, 0, broken), (100, 0.3, 1, 5.0), (100, 0.3, 2, broken)])
    assert kept(table, 1) == [1]
    assert kept(table, 2) == [0, 1]
    assert kept(screened([(100, 0.3, 4, None), (100, 0.3, 3, None)]), 1) == [3]

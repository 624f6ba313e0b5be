"""Rungs: which trial fills which part of the budget."""

from collections import Counter

import pytest
from problems import space_of

from asymnas.networks.families import Problem
from asymnas.space.filling import FULL
from asymnas.space.ladder import ladder_under

ROWS = ("dense", Problem(shape=(64,), latent=8))


@pytest.mark.parametrize("trials", [4, 40, 400])
def test_half_of_the_trials_fill_the_whole_budget_and_the_rest_is_shared(trials):
    ladder = ladder_under(space_of(*ROWS, budget=32_000))
    assert ladder.budgets == (2_000, 8_000, 32_000)
    counts = Counter(ladder.space_of(n).budget.total_params for n in range(trials))
    assert counts == {32_000: trials // 2, 8_000: trials // 4, 2_000: trials // 4}


@pytest.mark.parametrize(("budget", "budgets"), [(32_000, 3), (5_000, 2)])
def test_a_fifth_of_the_trials_of_smaller_rungs_repeat_the_best_of_the_next_larger(budget, budgets):
    ladder = ladder_under(space_of(*ROWS, budget=budget), first=1, repeats=True)
    assert len(ladder.budgets) == budgets
    numbers = range(1, 121)
    sizes = Counter(ladder.space_of(n, repeats=True).budget.total_params for n in numbers)
    assert sizes[budget] == 60
    repeated = {n: ladder.source_of(n) for n in numbers if ladder.source_of(n)}
    assert len(repeated) == 12
    for trial, source in repeated.items():
        assert ladder.space_of(trial).budget.total_params in ladder.budgets[:-1]
        own = ladder.space_of(trial, repeats=True).budget.total_params
        assert own not in ladder.budgets
        assert source == min(rung for rung in ladder.budgets if rung > own)
    assert sum(sizes[size.space.budget.total_params] for size in ladder.between) == 12


def test_without_smaller_rungs_none_is_repeated():
    ladder = ladder_under(space_of(*ROWS, budget=500), repeats=True)
    assert not ladder.between
    assert not any(ladder.source_of(n) for n in range(60))


def test_every_tenth_trial_which_is_never_pruned_is_not_always_of_one_rung():
    ladder = ladder_under(space_of(*ROWS, budget=32_000))
    rungs = {ladder.space_of(n).budget.total_params for n in range(0, 200, 10)}
    assert len(rungs) > 1


def test_candidates_fill_the_budget_of_their_rung():
    ladder = ladder_under(space_of(*ROWS, budget=32_000))
    for trial in range(8):
        budget = ladder.space_of(trial).budget.total_params
        total = ladder.sample(trial, seed=trial).architecture.counts.total_params
        assert FULL * budget <= total <= budget


def test_a_rung_that_admits_nothing_is_left_out_with_the_reason():
    ladder = ladder_under(space_of(*ROWS, budget=5_000))
    assert ladder.budgets == (1_250, 5_000)
    assert "no dense architecture fits a budget of 312 parameters" in ladder.left_out[312]
    counts = Counter(ladder.space_of(n).budget.total_params for n in range(40))
    assert counts == {5_000: 20, 1_250: 20}


def test_where_no_part_admits_anything_all_fill_the_budget():
    ladder = ladder_under(space_of(*ROWS, budget=500))
    assert ladder.budgets == (500,)
    assert {ladder.space_of(n).budget.total_params for n in range(9)} == {500}


def test_presets_come_first_and_fill_the_whole_budget():
    ladder = ladder_under(space_of(*ROWS, budget=32_000), first=3)
    plain = ladder_under(space_of(*ROWS, budget=32_000))
    sizes = [ladder.space_of(n).budget.total_params for n in range(11)]
    assert sizes[:3] == [32_000] * 3
    assert sizes[3:] == [plain.space_of(n).budget.total_params for n in range(8)]

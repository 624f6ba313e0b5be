import numpy as np
import optuna
import pandas as pd
import pytest
from chosen_tables import unpruned
from made_tables import RUNGS, made_table
from optuna.importance import FanovaImportanceEvaluator

from asymnas.analysis.importance import comparable_trials, explained, importances


def test_what_varied_is_a_choice_and_the_rate_is_one_too():
    found = comparable_trials(unpruned(60))
    assert set(found.choices) == {"block", "width", "idle", "learning_rate"}
    assert len(found.loss) == len(found.choices) == 60


def test_choices_are_integers_floats_or_text_and_rates_logarithms():
    table = unpruned(20).assign(
        **{"drawn.skip": [True, False] * 10, "drawn.kernel": [3.0, 5.0] * 10}
    )
    choices = comparable_trials(table).choices
    assert choices["kernel"].dtype == choices["idle"].dtype == int
    assert choices["width"].dtype == float
    assert set(choices["skip"]) == {"True", "False"}
    np.testing.assert_allclose(choices["learning_rate"], np.log(table["learning_rate"]))


def test_trials_are_compared_at_the_highest_rung_that_four_fifths_reached(table):
    ended = table[table["state"].isin(["complete", "pruned"]) & table["duplicate_of"].isna()]
    reached = {rung: (ended["curve"].map(len) > place).mean() for place, rung in enumerate(RUNGS)}
    assert reached[RUNGS[1]] < 0.8
    found = comparable_trials(table)
    assert found.examples == RUNGS[0]
    assert len(found.loss) == len(ended)


def test_a_choice_that_not_every_trial_made_is_left_out():
    table = unpruned(30)
    table.loc[::4, "drawn.width"] = float("nan")
    assert "width" not in comparable_trials(table).choices


def test_losses_below_zero_are_taken_raw():
    table = unpruned(30)
    raw = [np.log(curve[0][1]) - 5 for curve in table["curve"]]
    found = comparable_trials(table.assign(curve=[[[100, value]] for value in raw]))
    np.testing.assert_allclose(found.loss, raw)


def test_of_a_sweep_budget_and_share_are_choices_and_tuning_runs_are_left_out():
    table = unpruned(40).assign(
        phase=["tuning"] * 10 + ["measure"] * 30,
        budget=[50_000, 50_000, 100_000, 100_000] * 10,
        target_share=np.linspace(0.2, 0.8, 40),
        cluster=[i // 2 for i in range(40)],
    )
    found = comparable_trials(table)
    assert len(found.loss) == 30
    assert {"budget", "target_share"} <= set(found.choices)
    assert found.owners.nunique() == 15


@pytest.mark.parametrize("trials", [9, 10])
def test_ten_completed_trials_are_the_least(trials):
    assert (comparable_trials(unpruned(trials)) is None) == (trials < 10)


def test_little_to_go_by_is_nothing_to_judge():
    assert comparable_trials(unpruned(20).assign(curve=[[[100, 1.0]]] * 20)) is None
    assert comparable_trials(made_table().assign(curve=[[] for _ in range(60)])) is None


def test_the_forest_explains_what_the_choices_made():
    assert explained(comparable_trials(unpruned(60))) > 0.7


def test_a_loss_that_nothing_explains_says_so():
    rng = np.random.default_rng(1)
    table = unpruned(40).assign(curve=[[[100, float(v)]] for v in rng.uniform(1, 2, 40)])
    assert explained(comparable_trials(table)) < 0.2


def test_seeds_of_one_architecture_do_not_foretell_each_other():
    """Losses are noise of the architecture: only its own other seeds could be predicted from it."""
    table = pd.concat([unpruned(20)] * 4, ignore_index=True)
    noise = np.random.default_rng(0).normal(size=20)
    table["curve"] = [[[100, float(np.exp(noise[i % 20]))]] for i in range(80)]
    table["trial"] = range(80)
    assert explained(comparable_trials(table)) > 0.5
    assert explained(comparable_trials(table.assign(cluster=[i % 20 for i in range(80)]))) < 0.2


@pytest.fixture(scope="module")
def scored():
    return importances(unpruned(60))


def test_what_made_the_loss_is_found_and_the_rest_is_near_nothing(scored):
    scores = scored.scores.set_index("choice")["importance"]
    assert set(scored.scores["choice"][:2]) == {"width", "block"}
    assert scores["width"] > 0.3
    assert scores["block"] > 0.3
    assert scores["idle"] < 0.1
    assert scores["learning_rate"] < 0.1
    assert "constant" not in scores
    assert scored.explained > 0.7
    assert scored.trials == 60


def test_main_effects_are_shares_of_the_variance(scored):
    """Uniform width times two: variance 1/3; a third of the blocks costs 1.2: variance 0.32."""
    scores = scored.scores.set_index("choice")["importance"]
    assert (scored.scores["importance"] >= 0).all()
    assert 0.85 < scores.sum() <= 1 + 1e-9
    assert scores["width"] == pytest.approx(0.51, abs=0.12)
    assert scores["block"] == pytest.approx(0.49, abs=0.12)


@pytest.mark.slow
@pytest.mark.essential
def test_the_spread_is_larger_where_there_are_fewer_trials():
    few, many = (importances(unpruned(n)).scores.head(2)["spread"].mean() for n in (15, 240))
    assert few > many > 0


def test_pruning_does_not_hide_a_bad_choice():
    """All trials of the bad block are pruned at the first rung; its weight must still show."""
    table = unpruned(60)
    bad = table["drawn.block"] == "plain"
    table["curve"] = [
        [[100, curve[0][1]]] + ([] if out else [[200, curve[0][1] * 0.9]])
        for curve, out in zip(table["curve"], bad, strict=True)
    ]
    table["state"] = np.where(bad, "pruned", "complete")
    scores = importances(table)
    assert scores.examples == 100
    assert "block" in set(scores.scores["choice"][:2])


def test_a_seed_fixes_it_and_the_order_of_rows_does_not_matter():
    table = unpruned(20)
    first = importances(table, seed=5)
    again = importances(table.iloc[::-1], seed=5)
    pd.testing.assert_frame_equal(first.scores, again.scores)
    assert first.explained == again.explained


def test_every_degenerate_table_is_coped_with(degenerate):
    assert list(importances(degenerate).scores.columns) == ["choice", "importance", "spread"]


def test_the_time_does_not_grow_with_the_trials():
    """Forests see a part of many trials; what made the loss is found all the same."""
    many = importances(unpruned(2_000))
    assert many.trials == 256
    assert set(many.scores["choice"][:2]) == {"width", "block"}
    assert many.explained > 0.7


def test_the_forests_are_small(monkeypatch):
    """Scoring takes a time that grows with the trees and as the square of their leaves."""
    leaves = []

    def evaluator(*, n_trees, max_depth, seed):
        leaves.extend([2**max_depth] * n_trees)
        return FanovaImportanceEvaluator(n_trees=n_trees, max_depth=max_depth, seed=seed)

    monkeypatch.setattr("asymnas.analysis.importance.FanovaImportanceEvaluator", evaluator)
    assert len(importances(unpruned(15)).scores) == 4
    assert 0 < sum(count**2 for count in leaves) <= 64 * 32**2


def test_optunas_log_level_stays_the_hosts():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.INFO)
    try:
        assert len(importances(unpruned(15)).scores) == 4
        assert optuna.logging.get_verbosity() == optuna.logging.INFO
    finally:
        optuna.logging.set_verbosity(before)


def test_on_a_ladder_of_budgets_losses_are_relative_to_their_budget():
    table = unpruned(40)
    budgets = [(1_000, 16_000)[n % 2] for n in range(40)]
    factor = [(10.0, 1.0)[n % 2] for n in range(40)]
    curves = [
        [[seen, loss * by] for seen, loss in curve]
        for curve, by in zip(table["curve"], factor, strict=True)
    ]
    found = comparable_trials(table.assign(budget=budgets, curve=curves))
    assert "budget" not in found.choices
    raw = pd.Series(comparable_trials(table).loss)
    expected = raw - raw.groupby(budgets).transform("mean")
    np.testing.assert_allclose(found.loss, expected)

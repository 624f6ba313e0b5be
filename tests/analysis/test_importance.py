import numpy as np
import pandas as pd
import pytest
from chosen_tables import unpruned
from made_tables import RUNGS, made_table

from asymnas.analysis.importance import explained, judged


def test_what_varied_is_a_choice_and_the_rate_is_one_too():
    found = judged(unpruned(60))
    assert set(found.choices) == {"block", "width", "idle", "learning_rate"}
    assert len(found.loss) == len(found.choices) == 60


def test_choices_are_integers_floats_or_text_and_rates_logarithms():
    table = unpruned(20).assign(
        **{"drawn.skip": [True, False] * 10, "drawn.kernel": [3.0, 5.0] * 10}
    )
    choices = judged(table).choices
    assert choices["kernel"].dtype == choices["idle"].dtype == int
    assert choices["width"].dtype == float
    assert set(choices["skip"]) == {"True", "False"}
    np.testing.assert_allclose(choices["learning_rate"], np.log(table["learning_rate"]))


def test_trials_are_compared_at_the_highest_rung_that_four_fifths_reached(table):
    ended = table[table["state"].isin(["complete", "pruned"]) & table["duplicate_of"].isna()]
    reached = {rung: (ended["curve"].map(len) > place).mean() for place, rung in enumerate(RUNGS)}
    assert reached[RUNGS[1]] < 0.8
    found = judged(table)
    assert found.examples == RUNGS[0]
    assert len(found.loss) == len(ended)


def test_a_choice_that_not_every_trial_made_is_left_out():
    table = unpruned(30)
    table.loc[::4, "drawn.width"] = float("nan")
    assert "width" not in judged(table).choices


def test_losses_below_zero_are_taken_raw():
    table = unpruned(30)
    raw = [np.log(curve[0][1]) - 5 for curve in table["curve"]]
    found = judged(table.assign(curve=[[[100, value]] for value in raw]))
    np.testing.assert_allclose(found.loss, raw)


def test_of_a_sweep_budget_and_share_are_choices_and_tuning_runs_are_left_out():
    table = unpruned(40).assign(
        phase=["tuning"] * 10 + ["measure"] * 30,
        budget=[50_000, 50_000, 100_000, 100_000] * 10,
        target_share=np.linspace(0.2, 0.8, 40),
        cluster=[i // 2 for i in range(40)],
    )
    found = judged(table)
    assert len(found.loss) == 30
    assert {"budget", "target_share"} <= set(found.choices)
    assert found.owners.nunique() == 15


@pytest.mark.parametrize("trials", [9, 10])
def test_ten_completed_trials_are_the_least(trials):
    assert (judged(unpruned(trials)) is None) == (trials < 10)


def test_little_to_go_by_is_nothing_to_judge():
    assert judged(unpruned(20).assign(curve=[[[100, 1.0]]] * 20)) is None
    assert judged(made_table().assign(curve=[[] for _ in range(60)])) is None


def test_the_forest_explains_what_the_choices_made():
    assert explained(judged(unpruned(60))) > 0.7


def test_a_loss_that_nothing_explains_says_so():
    rng = np.random.default_rng(1)
    table = unpruned(40).assign(curve=[[[100, float(v)]] for v in rng.uniform(1, 2, 40)])
    assert explained(judged(table)) < 0.2


def test_seeds_of_one_architecture_do_not_foretell_each_other():
    """Losses are noise of the architecture: only its own other seeds could be predicted from it."""
    table = pd.concat([unpruned(20)] * 4, ignore_index=True)
    noise = np.random.default_rng(0).normal(size=20)
    table["curve"] = [[[100, float(np.exp(noise[i % 20]))]] for i in range(80)]
    table["trial"] = range(80)
    assert explained(judged(table)) > 0.5
    assert explained(judged(table.assign(cluster=[i % 20 for i in range(80)]))) < 0.2

import numpy as np
import pandas as pd
import pytest
from made_tables import RUNGS, made_table

from asymnas.analysis.importance import importance


def unpruned(trials: int, seed: int = 0) -> pd.DataFrame:
    """Trials whose loss depends on one number, one category and nothing else."""
    rng = np.random.default_rng(seed)
    block = rng.choice(["plain", "residual", "gated"], trials)
    width = rng.uniform(0, 1, trials)
    log_loss = 2 * width + 1.2 * (block == "plain") + rng.normal(0, 0.05, trials)
    return pd.DataFrame(
        {
            "trial": range(trials),
            "state": "complete",
            "duplicate_of": pd.array([pd.NA] * trials, dtype="Int64"),
            "learning_rate": rng.uniform(1e-3, 8e-3, trials),
            "curve": [[[100, float(np.exp(value))]] for value in log_loss],
            "drawn.block": block,
            "drawn.width": width,
            "drawn.idle": rng.integers(0, 5, trials),
            "drawn.constant": 3,
        }
    )


def test_what_made_the_loss_is_found_and_the_rest_is_near_nothing():
    found = importance(unpruned(60))
    scores = found.scores.set_index("choice")["importance"]
    assert set(found.scores["choice"][:2]) == {"width", "block"}
    assert scores["width"] > 0.3
    assert scores["block"] > 0.3
    assert abs(scores["idle"]) < 0.1
    assert abs(scores["learning_rate"]) < 0.1
    assert "constant" not in scores
    assert found.explained > 0.7
    assert found.trials == 60


def test_a_loss_that_nothing_explains_says_so():
    table = unpruned(40)
    rng = np.random.default_rng(1)
    table["curve"] = [[[100, float(v)]] for v in rng.uniform(1, 2, 40)]
    assert importance(table).explained < 0.2


def test_trials_are_compared_at_the_highest_rung_that_four_fifths_reached(table):
    ended = table[table["state"].isin(["complete", "pruned"]) & table["duplicate_of"].isna()]
    reached = {rung: (ended["curve"].map(len) > place).mean() for place, rung in enumerate(RUNGS)}
    assert reached[RUNGS[1]] < 0.8
    found = importance(table)
    assert found.examples == RUNGS[0]
    assert found.trials == len(ended)


def test_pruning_does_not_hide_a_bad_choice():
    """All trials of the bad block are pruned at the first rung; its weight must still show."""
    table = unpruned(60)
    bad = table["drawn.block"] == "plain"
    table["curve"] = [
        [[100, curve[0][1]]] + ([] if out else [[200, curve[0][1] * 0.9]])
        for curve, out in zip(table["curve"], bad, strict=True)
    ]
    table["state"] = np.where(bad, "pruned", "complete")
    found = importance(table)
    assert found.examples == 100
    assert "block" in set(found.scores["choice"][:2])


def test_a_seed_fixes_it_and_the_order_of_rows_does_not_matter():
    table = unpruned(20)
    first = importance(table, seed=5)
    again = importance(table.iloc[::-1], seed=5)
    pd.testing.assert_frame_equal(first.scores, again.scores)
    assert first.explained == again.explained


def test_missing_draws_and_losses_below_zero_are_coped_with():
    table = unpruned(30)
    table.loc[::4, "drawn.width"] = float("nan")
    table.loc[::3, "drawn.block"] = None
    table["curve"] = [[[100, np.log(curve[0][1]) - 5]] for curve in table["curve"]]
    assert importance(table).scores["importance"].notna().all()


@pytest.mark.parametrize("trials", [9, 10])
def test_ten_completed_trials_are_the_least(trials):
    assert importance(unpruned(trials)).scores.empty == (trials < 10)


def test_little_to_go_by_gives_no_scores():
    constant = unpruned(20).assign(curve=[[[100, 1.0]]] * 20)
    assert importance(constant).scores.empty
    lossless = made_table().assign(curve=[[] for _ in range(60)])
    assert importance(lossless).scores.empty


def test_every_degenerate_table_is_coped_with(degenerate):
    found = importance(degenerate)
    assert list(found.scores.columns) == ["choice", "importance", "spread"]

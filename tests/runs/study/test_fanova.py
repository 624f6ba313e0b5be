import numpy as np
import pandas as pd
import pytest
from chosen_tables import unpruned

from asymnas.analysis.importance import importances


@pytest.fixture(scope="module")
def found():
    return importances(unpruned(60))


def test_what_made_the_loss_is_found_and_the_rest_is_near_nothing(found):
    scores = found.scores.set_index("choice")["importance"]
    assert set(found.scores["choice"][:2]) == {"width", "block"}
    assert scores["width"] > 0.3
    assert scores["block"] > 0.3
    assert scores["idle"] < 0.1
    assert scores["learning_rate"] < 0.1
    assert "constant" not in scores
    assert found.explained > 0.7
    assert found.trials == 60


def test_main_effects_are_shares_of_the_variance(found):
    """Uniform width times two: variance 1/3; a third of the blocks costs 1.2: variance 0.32."""
    scores = found.scores.set_index("choice")["importance"]
    assert (found.scores["importance"] >= 0).all()
    assert 0.85 < scores.sum() <= 1 + 1e-9
    assert scores["width"] == pytest.approx(0.51, abs=0.12)
    assert scores["block"] == pytest.approx(0.49, abs=0.12)


def test_the_spread_is_larger_where_there_are_fewer_trials(found):
    few = importances(unpruned(15)).scores.head(2)["spread"].mean()
    assert few > found.scores.head(2)["spread"].mean() > 0


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

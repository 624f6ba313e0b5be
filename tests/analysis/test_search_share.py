import numpy as np
import pytest
from made_tables import made_table

from asymnas.analysis.front import Objective, pareto_front
from asymnas.analysis.search_share import decoder_share

LOSS_SIZE = (Objective("val_loss"), Objective("total_params"))


def test_estimate_is_the_median_of_the_front_inside_its_interval(table):
    share = decoder_share(table, LOSS_SIZE)
    assert share["estimate"] == np.median(pareto_front(table, LOSS_SIZE)["decoder_share"])
    assert 0 < share["low"] <= share["estimate"] <= share["high"] < 1
    assert share["low"] < share["high"]
    assert share["level"] == 0.95


def test_a_seed_fixes_it_and_the_order_of_rows_does_not_matter(table):
    share = decoder_share(table, LOSS_SIZE, seed=3)
    assert decoder_share(table.iloc[::-1], LOSS_SIZE, seed=3) == share
    assert decoder_share(table, LOSS_SIZE, seed=4) != share


def test_equal_shares_have_an_interval_of_no_width():
    share = decoder_share(made_table().assign(decoder_share=0.5), LOSS_SIZE)
    assert (share["low"], share["estimate"], share["high"]) == (0.5, 0.5, 0.5)


def test_trials_without_a_share_are_left_out(table):
    kept = table.copy()
    kept.loc[kept["trial"] % 2 == 0, "decoder_share"] = float("nan")
    expected = decoder_share(kept[kept["trial"] % 2 == 1], LOSS_SIZE)
    assert decoder_share(kept, LOSS_SIZE) == expected


def test_little_to_go_by_gives_no_interval(degenerate):
    share = decoder_share(degenerate, LOSS_SIZE)
    assert share["low"] is None
    assert share["high"] is None
    assert (share["estimate"] is None) == pareto_front(degenerate, LOSS_SIZE).empty


@pytest.mark.parametrize(("count", "interval"), [(4, False), (5, True)])
def test_five_completed_trials_are_the_least_for_an_interval(table, count, interval):
    some = pareto_front(table, LOSS_SIZE).head(count)
    assert len(some) == count
    assert (decoder_share(some, LOSS_SIZE)["low"] is not None) == interval

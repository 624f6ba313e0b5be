import json

import numpy as np
import pytest
from made_tables import made_table

from asymnas.analysis.front import Objective, pareto_front, scored
from asymnas.analysis.search_share import ENDS, decoder_share, share_profile

LOSS_SIZE = (Objective("val_loss"), Objective("total_params"))


def test_estimate_is_the_median_of_the_front_without_an_interval(table):
    share = decoder_share(table, LOSS_SIZE)
    assert share["estimate"] == np.median(pareto_front(table, LOSS_SIZE)["decoder_share"])
    assert share.keys() == {"estimate", "profile"}


def test_the_order_of_rows_does_not_matter(table):
    assert decoder_share(table.iloc[::-1], LOSS_SIZE) == decoder_share(table, LOSS_SIZE)


def test_the_profile_counts_every_trial_once_and_has_the_best_of_each_range(table):
    (profile,) = share_profile(table, LOSS_SIZE)
    done = scored(table, LOSS_SIZE)
    own = table[table["duplicate_of"].isna()]
    assert profile["budget"] is None
    assert sum(r["trials"] for r in profile["ranges"]) == len(own)
    assert sum(r["complete"] for r in profile["ranges"]) == len(done)
    for place, entry in enumerate(profile["ranges"]):
        assert (entry["low"], entry["high"]) == ENDS[place : place + 2]
        share = done["decoder_share"]
        inside = done[(share >= entry["low"]) & (share < entry["high"])]
        assert entry["complete"] == len(inside)
        assert entry["best"] == (inside["val_loss"].min() if len(inside) else None)
        if len(inside):
            assert done.set_index("trial").loc[entry["trial"], "val_loss"] == entry["best"]


def test_each_budget_of_a_ladder_has_a_profile_of_its_own(table):
    laddered = table.assign(budget=[(1_000, 4_000)[n % 2] for n in table["trial"]])
    small, large = share_profile(laddered, LOSS_SIZE)
    assert (small["budget"], large["budget"]) == (1_000, 4_000)
    alone = share_profile(laddered[laddered["budget"] == 1_000], LOSS_SIZE)
    assert alone == [small]


def test_what_is_maximised_has_its_greatest_value(table):
    (profile,) = share_profile(table, [Objective("psnr", True)])
    best = max(r["best"] for r in profile["ranges"] if r["best"] is not None)
    assert best == scored(table, [Objective("psnr", True)])["psnr"].max()


def test_trials_without_a_share_are_left_out(table):
    kept = table.copy()
    kept.loc[kept["trial"] % 2 == 0, "decoder_share"] = float("nan")
    assert share_profile(kept, LOSS_SIZE) == share_profile(kept[kept["trial"] % 2 == 1], LOSS_SIZE)


def test_a_share_of_one_is_in_the_last_range():
    (profile,) = share_profile(made_table().assign(decoder_share=1.0), LOSS_SIZE)
    assert profile["ranges"][-1]["trials"] > 0


@pytest.mark.usefixtures("degenerate")
def test_little_to_go_by_is_told_as_it_is(degenerate):
    share = decoder_share(degenerate, LOSS_SIZE)
    assert (share["estimate"] is None) == pareto_front(degenerate, LOSS_SIZE).empty
    json.dumps(share)

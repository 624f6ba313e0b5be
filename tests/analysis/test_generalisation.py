import numpy as np
import pytest
from swept_tables import swept

from asymnas.analysis.checks import ALL, BINS, generalisation


def test_the_gap_is_relative_to_the_training_loss_and_one_an_architecture():
    table = swept(seeds=3)
    (found,) = generalisation(table)
    assert found.split == "validation"
    assert found.architectures[ALL] == 32
    assert sum(found.architectures[name] for name in BINS) == 32
    ratios = (table["val_loss"] / table["train_loss"] - 1).groupby(table["cluster"]).mean()
    assert found.by_share[ALL].estimate == pytest.approx(ratios.median(), abs=0.002)
    assert found.by_share[ALL].contains(0.05)


def test_a_gap_that_grows_with_the_share_is_found_and_one_that_does_not_is_not():
    (grows,) = generalisation(swept(gap_with_share=0.1))
    assert grows.p < 0.001
    assert grows.correlation.low > 0
    assert grows.by_share[BINS[0]].high < grows.by_share[BINS[2]].low
    (shrinks,) = generalisation(swept(gap_with_share=-0.1))
    assert shrinks.correlation.high < 0
    (alike,) = generalisation(swept())
    assert alike.p > 0.05


@pytest.mark.slow
@pytest.mark.essential
def test_claims_under_the_null_are_rare():
    found = [generalisation(swept(seed=seed, shares=4))[0].p < 0.05 for seed in range(100)]
    assert sum(found) <= 10


def test_the_test_split_counts_where_it_was_read():
    table = swept()
    found = generalisation(table.assign(test_loss=2 * table["train_loss"]))
    assert [gap.split for gap in found] == ["validation", "test"]
    assert found[1].by_share[ALL].estimate == pytest.approx(1)


def test_losses_that_cannot_be_compared_are_left_out():
    table = swept(seeds=1)
    table.loc[:3, "train_loss"] = [0.0, np.nan, np.inf, -1.0]
    table.loc[4, "val_loss"] = np.inf
    table.loc[5, "decoder_share"] = np.nan
    table.loc[6, "state"] = "pruned"
    table.loc[7, "phase"] = "tuning"
    (found,) = generalisation(table)
    assert found.architectures[ALL] == 32 - 7  # a training loss of infinity is a gap of minus one


def test_few_architectures_give_no_correlation():
    (gap,) = generalisation(swept(shares=2))
    assert (gap.correlation.estimate, gap.p) == (None, None)


def test_a_table_without_training_losses_has_no_gap(degenerate):
    assert generalisation(degenerate) == ()
    assert isinstance(generalisation(degenerate.assign(train_loss=1.0)), tuple)

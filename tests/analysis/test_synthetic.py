import numpy as np
import pandas as pd
import pytest

from asymnas.analysis.laws.synthetic import Design, Noise, synthetic_sweep, truth_with_share
from asymnas.core.columns import COLUMNS
from asymnas.core.errors import ConfigError

LAWS = ("additive", "multiplicative")


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_truth_has_the_share_and_loss_that_it_was_asked_for(law, share):
    truth = truth_with_share(law, share, budget=80_000, irreducible=0.4, loss=0.05)
    assert truth.best_share(80_000) == pytest.approx(share, abs=1e-4)
    assert truth.loss(80_000 * (1 - share), 80_000 * share) == pytest.approx(0.05)
    assert truth.irreducible == pytest.approx(0.02)
    assert truth.cost_of_even_split(80_000) >= 0


def test_a_sweep_has_all_columns_and_its_design():
    table = synthetic_sweep(truth_with_share("additive", 0.5), Design(architectures=2, seeds=5))
    assert set(COLUMNS) <= set(table)
    assert len(table) == 3 * 9 * 2 * 5
    assert set(table.groupby("cluster").size()) == {5}
    assert set(table.groupby(["budget", "target_share"])["cluster"].nunique()) == {2}
    assert (table["encoder_params"] + table["decoder_params"] == table["budget"]).all()
    assert (table["curve"].map(lambda curve: curve[-1][1]) == table["val_loss"]).all()
    assert not [name for name in table if name.startswith("drawn.")]


def test_noise_has_the_deviations_asked_for():
    truth = truth_with_share("multiplicative", 0.5)
    table = synthetic_sweep(truth, Design(architectures=60), Noise(architecture=0.1, seed=0.04))
    exact = truth.loss(table["encoder_params"], table["decoder_params"])
    by_cluster = np.log(table["val_loss"] / exact).groupby(table["cluster"])
    assert by_cluster.var().mean() ** 0.5 == pytest.approx(0.04, rel=0.05)
    assert by_cluster.mean().std() == pytest.approx(np.hypot(0.1, 0.04 / 3**0.5), rel=0.05)


def test_structure_moves_the_loss_by_as_much_as_asked_for():
    truth, noise = truth_with_share("additive", 0.5), Noise(architecture=0, seed=0, structure=0.1)
    table = synthetic_sweep(truth, Design(architectures=60), noise)
    exact = truth.loss(table["encoder_params"], table["decoder_params"])
    assert np.log(table["val_loss"] / exact).std() == pytest.approx(0.1, rel=0.05)
    assert [name for name in table if name.startswith("drawn.")]


def test_a_seed_fixes_a_sweep():
    truth = truth_with_share("additive", 0.5)
    one, same, other = (synthetic_sweep(truth, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    assert (one["val_loss"] != other["val_loss"]).all()


@pytest.mark.parametrize("wrong", [{"share": 1.0}, {"share": 0.5, "irreducible": 1.0}])
def test_impossible_truths_are_refused(wrong):
    with pytest.raises(ConfigError, match="must"):
        truth_with_share("additive", **wrong)

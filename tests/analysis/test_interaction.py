import numpy as np
import pandas as pd
import pytest
from scipy.stats import f as f_distribution
from swept_tables import UPSAMPLINGS, swept

from asymnas.analysis.blocked.synthetic import BlockedDesign, Spread, blocked_sweep
from asymnas.analysis.interaction import interaction
from asymnas.analysis.laws.synthetic import truth_with_share


def naive_f(table):
    """The F statistic of the interaction from two least-squares fits, an architecture a row."""
    table = table.assign(y=np.log(table["val_loss"]))
    first = dict.fromkeys(["budget", "decoder_share", "drawn.decoder_upsampling"], "first")
    rows = table.groupby("cluster").agg({**first, "y": "mean"})
    x = np.log(rows["decoder_share"] / (1 - rows["decoder_share"]))
    large, resize = rows["budget"] == 100_000, rows["drawn.decoder_upsampling"] == "resize"
    common = np.column_stack([np.ones(len(x)), large, resize, x, x**2]).astype(float)
    apart = np.column_stack([common, resize * x, resize * x**2]).astype(float)
    errors = [np.linalg.lstsq(m, rows["y"], rcond=None)[1][0] for m in (common, apart)]
    free = len(x) - apart.shape[1]
    return (errors[0] - errors[1]) / 2 / (errors[1] / free), free


def test_curves_that_differ_are_found():
    found = interaction(swept(interaction=0.05))
    assert found.levels == UPSAMPLINGS
    assert found.architectures == 32
    assert found.p < 0.005
    assert found.explained > 0.05


def test_curves_alike_are_not_told_apart():
    found = interaction(swept(seed=1))
    assert found.p > 0.05


@pytest.mark.parametrize("effect", [0.0, 0.005])
def test_the_statistic_is_that_of_two_regressions_and_p_near_that_of_normal_errors(effect):
    table = swept(interaction=effect, seed=3)
    found = interaction(table)
    expected, free = naive_f(table)
    assert found.f == pytest.approx(expected)
    assert found.p == pytest.approx(f_distribution.sf(expected, 2, free), abs=0.04)


@pytest.mark.slow
@pytest.mark.essential
def test_claims_under_the_null_are_rare():
    claims = [interaction(swept(seed=seed, shares=5)).p < 0.05 for seed in range(200)]
    assert np.mean(claims) <= 0.085


def test_order_unit_and_names_do_not_matter():
    table = swept(interaction=0.01)
    changed = table.iloc[::-1].assign(val_loss=1e4 * table["val_loss"])
    changed["drawn.decoder_upsampling"] = changed["drawn.decoder_upsampling"].map(
        {"resize": "z", "transposed": "a"}
    )
    one, other = interaction(table), interaction(changed)
    assert other.f == pytest.approx(one.f)
    assert other.explained == pytest.approx(one.explained)
    assert other.p == pytest.approx(one.p, abs=0.03)


def test_seeds_do_not_count_as_architectures():
    assert interaction(swept(seeds=6)).architectures == 32
    assert interaction(swept(shares=2, seeds=9)) is None


def test_levels_with_too_few_architectures_are_left_out():
    rare = (
        swept()
        .head(4)
        .assign(cluster=[900, 901, 902, 903], **{"drawn.decoder_upsampling": "pixel_shuffle"})
    )
    rare["trial"] += 900
    assert interaction(pd.concat([swept(), rare])).levels == UPSAMPLINGS


def test_too_little_to_test_is_none(degenerate):
    table = swept()
    assert interaction(degenerate) is None
    assert interaction(table.drop(columns="drawn.decoder_upsampling")) is None
    assert interaction(table.assign(**{"drawn.decoder_upsampling": "resize"})) is None
    assert interaction(table.assign(decoder_share=0.5)) is None
    assert interaction(table.assign(val_loss=1.0)) is None
    assert interaction(table.assign(val_loss=np.nan)) is None
    assert interaction(table.assign(decoder_share=1.0)) is None


def in_blocks(tilt_of_the_choice, seed=0, structures=8):
    """A blocked sweep whose structures have an upsampling each, and a tilt by it."""
    truth = truth_with_share("additive", 0.6, budget=20_000)
    spread = Spread(interaction=0.01, tilt=0.02, seed=0.01)
    table = blocked_sweep(truth, BlockedDesign(structures=structures), spread, seed=seed)
    chosen = np.array(UPSAMPLINGS)[table["structure"] % 2]
    x = np.log(table["decoder_share"] / (1 - table["decoder_share"]))
    tilted = table["val_loss"] * np.exp(tilt_of_the_choice * x * (chosen == UPSAMPLINGS[0]))
    return table.assign(**{"drawn.decoder_upsampling": chosen, "val_loss": tilted})


def test_in_blocks_structures_are_compared():
    """Structures differ in slope: runs of one are no independent evidence about its choice."""
    assert interaction(in_blocks(0.2)).p < 0.05
    alike = [interaction(in_blocks(0.0, seed)).p for seed in range(12)]
    assert sum(p < 0.05 for p in alike) <= 2
    assert max(alike) > 0.3


def test_in_blocks_two_structures_a_choice_are_too_few():
    assert interaction(in_blocks(0.2, structures=4)) is None
    assert interaction(in_blocks(0.2, structures=6)).levels == UPSAMPLINGS

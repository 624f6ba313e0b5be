"""Presets sized: the budget, the published share, and the draw that gives the network back."""

from dataclasses import replace
from functools import cache
from typing import Any

import optuna
import pytest

from asymnas import Architecture, Budget, scale_preset
from asymnas.core.errors import BudgetError, ConfigError, UnknownNameError
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.presets import PRESETS
from asymnas.space.sized_presets import (
    ScaledPreset,
    is_mirrored,
    presets_of,
    scaled_for,
    scaled_in,
    structures_to_try,
)
from asymnas.space.space import Space
from asymnas.space.suggesters import Fixed

PROBLEMS = {
    "conv2d": [
        Problem(shape=(1, 8, 8), latent=16),
        Problem(shape=(3, 64, 64), latent=4, bottleneck="spatial"),
    ],
    "conv1d": [Problem(shape=(1, 256), latent=16)],
    "transformer": [Problem(shape=(3, 32, 32), latent=4, bottleneck="spatial")],
    "dense": [Problem(shape=(64,), latent=8)],
}
BUDGETS = (10_000, 30_000, 150_000)
CASES = [
    (name, problem, budget)
    for name in PRESETS.names()
    for problem in PROBLEMS[PRESETS.get(name).family]
    for budget in BUDGETS
]
DRAWN = [case for case in CASES if PRESETS.get(case[0]).drawn]


def space_of(family: str, problem: Problem, budget: int, **changes: Any) -> Space:
    return Space(
        encoder_family=family,
        decoder_family=family,
        problem=problem,
        kind="plain",
        budget=Budget(total_params=budget),
        learning_rates=(1e-3, 1e-2),
        **changes,
    )


@cache
def sized(name: str, problem: Problem, budget: int) -> ScaledPreset:
    return scaled_in(name, space_of(PRESETS.get(name).family, problem, budget))


@pytest.mark.parametrize(("name", "problem", "budget"), CASES, ids=str)
def test_the_total_fills_the_budget_and_the_share_is_the_published_one(
    name: str, problem: Problem, budget: int
) -> None:
    found, published = sized(name, problem, budget), PRESETS.get(name).decoder_share
    counts = found.architecture.counts
    assert 0.9 * budget <= counts.total_params <= budget
    if published is not None:
        assert counts.decoder_share == pytest.approx(published, abs=0.03)
    assert not any("widths" in note for note in found.notes)


@pytest.mark.parametrize(("name", "problem", "budget"), DRAWN, ids=str)
def test_the_space_gives_the_architecture_back_through_optuna(
    name: str, problem: Problem, budget: int
) -> None:
    found = sized(name, problem, budget)
    space = space_of(PRESETS.get(name).family, problem, budget)
    study = optuna.create_study()
    study.enqueue_trial(dict(found.parameters))
    candidate = space.suggest(study.ask())
    assert candidate.architecture == found.architecture
    if PRESETS.get(name).rate is None:
        assert candidate.learning_rate == pytest.approx((1e-3 * 1e-2) ** 0.5)
    assert set(study.trials[0].params) == set(found.parameters)


@pytest.mark.parametrize(
    ("budget", "rates", "rate"),
    [
        (5_000, (1e-3, 0.1), 0.03),
        (20_000, (1e-3, 0.1), 0.03),
        (180_000, (1e-3, 0.1), 0.01),
        (2_000_000, (1e-3, 0.1), 0.003),
        (20_000, (1e-3, 0.01), 0.01),
        (2_000_000, (0.02, 0.1), 0.02),
    ],
)
def test_the_plain_network_begins_at_a_rate_that_falls_with_its_size(
    budget: int, rates: tuple[float, float], rate: float
) -> None:
    space = Space(
        encoder_family="conv2d",
        decoder_family="conv2d",
        problem=Problem(shape=(1, 28, 28), latent=8),
        kind="plain",
        budget=Budget(total_params=budget),
        learning_rates=rates,
    )
    assert scaled_in("reference", space).parameters["learning_rate"] == pytest.approx(rate)


def test_published_choices_are_kept_where_there_is_room() -> None:
    problem = Problem(shape=(3, 64, 64), latent=16)
    found = sized("sd-vae", problem, 600_000)
    encoder, decoder = found.architecture.encoder, found.architecture.decoder
    assert (len(encoder.channels), encoder.block, encoder.blocks) == (3, "residual", (2, 2, 2))
    assert (encoder.resampling, decoder.resampling) == ("strided", "nearest")
    assert found.notes == ()
    assert str(found).endswith(
        "59\N{NO-BREAK SPACE}% of them in the decoder (published: 59\N{NO-BREAK SPACE}%)"
    )
    vitok = sized("vitok", PROBLEMS["transformer"][0], 150_000).architecture
    assert [len(side.hidden) for side in (vitok.encoder, vitok.decoder)] == [3, 6]


def test_what_there_is_no_room_for_is_said() -> None:
    small = Problem(shape=(1, 8, 8), latent=16)
    found = sized("sd-vae", small, 30_000)
    assert len(found.architecture.encoder.channels) == 2
    assert "depth 2 instead of 3" in found.notes
    spatial = sized("sd-vae", PROBLEMS["conv2d"][1], 30_000)
    assert "depth not drawn here (the preset's: 3)" in spatial.notes


def test_a_budget_with_coarse_widths_takes_a_simpler_structure() -> None:
    found = sized("taesd", Problem(shape=(1, 8, 8), latent=16), 4_000)
    assert "blocks 1 instead of 2" in found.notes
    assert found.architecture.counts.total_params >= 3_600


def test_simpler_structures_keep_the_ratio_of_the_depths() -> None:
    space = space_of("transformer", PROBLEMS["transformer"][0], 30_000)
    tried = [choices for choices, _ in structures_to_try(PRESETS.get("vitok"), space)]
    depths = [(c["encoder_depth"], c["decoder_depth"]) for c in tried]
    assert depths[0] == (3, 6)
    assert (2, 4) in depths
    assert depths[-1] == (1, 1)


def test_a_linear_decoder_has_one_layer_and_the_encoder_the_rest() -> None:
    problem = PROBLEMS["dense"][0]
    found = sized("linear-decoder", problem, 30_000)
    assert found.architecture.decoder.widths == ()
    assert found.architecture.decoder_params == 8 * 64 + 64
    assert found.parameters == {}


def test_equal_widths_where_no_share_is_published() -> None:
    architecture = sized("scvi", PROBLEMS["dense"][0], 150_000).architecture
    encoder, decoder = architecture.encoder.widths, architecture.decoder.widths
    assert (len(encoder), len(decoder)) == (4, 1)
    assert decoder[0] == pytest.approx(encoder[0], rel=0.1)


def test_caps_on_a_side_shrink_both_and_keep_the_share() -> None:
    problem = PROBLEMS["conv1d"][0]
    budget = Budget(total_params=150_000, decoder_params=40_000)
    counts = scaled_for("dac", problem, kind="plain", budget=budget).architecture.counts
    assert 36_000 <= counts.decoder_params <= 40_000
    assert counts.decoder_share == pytest.approx(0.708, abs=0.03)


def test_a_cap_on_macs_holds_and_what_it_leaves_is_said() -> None:
    budget = Budget(total_params=30_000, macs=40_000)
    found = scaled_for("reference", PROBLEMS["conv2d"][0], kind="plain", budget=budget)
    assert budget.admits(found.architecture.counts)
    assert any("MACs leave" in note for note in found.notes)


def test_only_the_reference_is_its_own_mirror() -> None:
    problem = Problem(shape=(3, 32, 32), latent=16)
    assert [n for n in PRESETS.names() if is_mirrored(PRESETS.get(n), problem)] == ["reference"]
    space = space_of("conv2d", problem, 30_000, symmetric=True)
    found = scaled_in("reference", space)
    assert found.architecture == found.architecture.mirror()
    assert 27_000 <= found.architecture.counts.total_params <= 30_000
    assert space.suggest(Fixed(found.parameters)).architecture == found.architecture


def test_every_choice_of_a_preset_is_one_of_its_family() -> None:
    for name in PRESETS.names():
        preset = PRESETS.get(name)
        if not preset.drawn:
            continue
        space = space_of(preset.family, PROBLEMS[preset.family][0], 150_000, wide=True)
        known = set(space.choices())
        for side, own in (("encoder", preset.encoder), ("decoder", preset.decoder)):
            assert {f"{side}_{choice}" for choice in own} <= known, name


def test_choices_of_a_wide_space_are_kept_there_and_noted_elsewhere() -> None:
    problem = Problem(shape=(3, 64, 64), latent=16)
    wide = scaled_in("flux2-small", space_of("conv2d", problem, 150_000, wide=True))
    for side in (wide.architecture.encoder, wide.architecture.decoder):
        assert (side.norm, side.activation, side.blocks) == ("group", "silu", (2, 2, 2))
        assert side.outer >= 2
        assert side.attention >= 2
    assert wide.notes == ()
    usual = sized("flux2-small", problem, 150_000)
    assert usual.architecture.encoder.norm == "none"
    assert "norm not drawn here (the preset's: group)" in usual.notes


def test_refusals_say_what_to_do() -> None:
    space = space_of("dense", PROBLEMS["dense"][0], 30_000)
    with pytest.raises(ConfigError, match=r"sd-vae is a preset of conv2d, not of dense, .*: scvi$"):
        scaled_in("sd-vae", space)
    with pytest.raises(UnknownNameError, match=r"no preset is called 'x'; there are: .*taesd"):
        scale_preset("x", shape=(64,), budget=30_000)
    with pytest.raises(BudgetError, match="mae does not fit 2,000 parameters"):
        scale_preset("mae", shape=(1, 8, 8), budget=2_000)
    with pytest.raises(ConfigError, match="conv1d takes signals"):
        scale_preset("dac", shape=(64,), budget=30_000)
    odd = replace(PRESETS.get("sd-vae"), encoder={"downsampling": "wavelet"})
    with pytest.raises(ConfigError, match=r"encoder_downsampling 'wavelet'; there are: .*strided"):
        next(iter(structures_to_try(odd, space_of("conv2d", PROBLEMS["conv2d"][0], 30_000))))


def test_a_preset_known_by_ratios_is_no_network() -> None:
    with pytest.raises(ConfigError, match=r"asymnas\.scale_preset\('taesd'"):
        Architecture.preset("taesd")


def test_the_presets_of_each_family() -> None:
    assert {family: presets_of(family) for family in FAMILIES.names() if presets_of(family)} == {
        "conv1d": ["dac"],
        "conv2d": ["dc-ae", "flux2-small", "litevae", "reference", "sd-vae", "taesd"],
        "dense": ["scvi"],
        "transformer": ["mae", "rae", "vitok"],
    }


@pytest.mark.parametrize(
    ("name", "share"),
    [
        *[("sd-vae", 0.408), ("taesd", 0.5), ("dc-ae", 0.481), ("vitok", 0.335), ("mae", 0.77)],
        *[("dac", 0.29), ("reference", 0.499)],
        *[("flux2-small", 0.552), ("litevae", 0.12), ("rae", 0.173)],
    ],
)
def test_published_encoder_shares(name: str, share: float) -> None:
    assert 1 - (PRESETS.get(name).decoder_share or 0) == pytest.approx(share, abs=0.003)

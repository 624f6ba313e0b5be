"""Families that are drawn, for one side or for both."""

from dataclasses import replace

import numpy as np
import optuna
import pytest
from problems import BUDGET, space_of

from asymnas.core.errors import ConfigError
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.presets import PRESETS
from asymnas.space.any_family import ANY, AnyFamily
from asymnas.space.sized_presets import queue_of, scaled_in
from asymnas.space.suggesters import Fixed, Random

IMAGE = Problem(shape=(1, 28, 28), latent=8)
FAMILIES_OF_IMAGES = {"conv2d", "dense", "transformer"}


@pytest.mark.slow
@pytest.mark.essential
def test_both_sides_draw_every_family_that_serves_the_data():
    space = space_of(ANY, IMAGE)
    drawn = [space.sample(seed).architecture for seed in range(30)]
    pairs = {(a.encoder_family, a.decoder_family) for a in drawn}
    assert len(pairs) >= 8
    assert {family for pair in pairs for family in pair} == FAMILIES_OF_IMAGES
    assert all(a.counts.total_params <= BUDGET for a in drawn[:10])
    pooled = space_of(ANY, Problem(shape=(1, 28, 28), latent=8, bottleneck="pooled"))
    assert set(pooled.families["encoder"]) == {"conv2d", "transformer"}


def test_one_side_may_be_drawn():
    space = space_of("dense", IMAGE, decoder_family=ANY)
    drawn = [space.sample(seed).architecture for seed in range(20)]
    assert {a.encoder_family for a in drawn} == {"dense"}
    assert {a.decoder_family for a in drawn} == FAMILIES_OF_IMAGES


def test_the_choices_of_a_family_stand_under_its_name():
    choices = space_of(ANY, IMAGE).choices()
    assert set(choices["decoder_family"]) == FAMILIES_OF_IMAGES
    assert set(choices["decoder_dense_activation"]) == {"relu", "silu", "tanh"}
    assert {"encoder_conv2d_kernel", "encoder_transformer_heads"} <= choices.keys()
    assert "encoder_depth" not in choices


def test_a_draw_asks_for_the_choices_of_its_own_families_alone():
    space = space_of(ANY, IMAGE)
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3)).ask()
    architecture = space.suggest(trial).architecture
    own = (f"encoder_{architecture.encoder_family}_", f"decoder_{architecture.decoder_family}_")
    others = {"encoder_family", "decoder_family", "learning_rate", "rate_ratio"}
    others |= {"encoder_width", "decoder_width", "decoder_share", "filled"}
    for name in trial.params:
        assert name in others or name.startswith(own)
    assert space.suggest(Fixed(trial.params)).architecture == architecture


def test_a_drawn_side_is_counted_as_one_of_its_own_family(monkeypatch):
    """By the formula of that family: the family to draw from builds nothing."""
    problem = Problem(shape=(1, 28, 28), latent=9)
    space = space_of(ANY, problem)
    monkeypatch.setattr(AnyFamily, "build_encoder", None)
    monkeypatch.setattr(AnyFamily, "build_decoder", None)
    for seed in range(6):
        for part, side in zip(space.parts, space.suggest_structures(Random(seed)), strict=True):
            own = replace(part, family=FAMILIES.get(side.family))
            for scale in (0.0, 0.01, 0.1):
                assert part.counts(side, scale) == own.counts(side.config, scale)


def test_the_mirrored_pairs_of_drawn_families():
    space = space_of(ANY, IMAGE, symmetric=True)
    drawn = [space.sample(seed).architecture for seed in range(12)]
    assert all(a.mirror() == a for a in drawn)
    assert {a.decoder_family for a in drawn} == FAMILIES_OF_IMAGES
    with pytest.raises(ConfigError, match="one family for both sides"):
        space_of("dense", IMAGE, decoder_family="conv2d", symmetric=True)


def test_a_drawn_family_needs_a_latent_vector():
    with pytest.raises(ConfigError, match="a family can be drawn where a latent vector"):
        space_of(ANY, Problem(shape=(1, 28, 28), latent=8, bottleneck="spatial"))


def test_structures_that_do_not_fit_are_replaced_by_ones_that_do():
    space = space_of(ANY, IMAGE, budget=4_000)
    for seed in range(10):
        assert space.sample(seed).architecture.counts.total_params <= 4_000


def test_presets_are_enqueued_by_the_names_of_the_space_that_draws_their_family():
    space = space_of(ANY, IMAGE, budget=150_000)
    queue = queue_of(("all",), space)
    assert {PRESETS.get(name).family for name in queue.names} >= {"conv2d", "transformer"}
    for preset in queue.presets:
        assert space.suggest(Fixed(preset.parameters)).architecture == preset.architecture
    family = {name: PRESETS.get(name).family for name in queue.names}
    for preset in queue.presets:
        own = space_of(family[preset.name], IMAGE, budget=150_000)
        assert scaled_in(preset.name, own).architecture == preset.architecture


def test_a_space_of_two_families_has_no_presets():
    space = space_of("dense", IMAGE, decoder_family="conv2d")
    with pytest.raises(ConfigError, match="is a preset of conv2d, not of dense/conv2d"):
        queue_of(("sd-vae",), space)
    with pytest.raises(ConfigError, match="nothing to enqueue"):
        queue_of(("all",), space)


def test_one_architecture_of_each_pair():
    space = space_of(ANY, IMAGE, decoder_family="conv2d")
    pairs = [(a.encoder_family, a.decoder_family) for a in space.of_each_pair()]
    assert sorted(pairs) == [(name, "conv2d") for name in sorted(FAMILIES_OF_IMAGES)]
    assert len(space_of("dense", IMAGE).of_each_pair()) == 1
    assert np.prod([len(names) for names in space.families.values()]) == 3

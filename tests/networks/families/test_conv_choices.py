"""Blocks of each stage, an outer convolution, norm, hidden layer, attention, activation."""

from dataclasses import replace

import pytest
import torch
from problems import space_of
from torch import nn

from asymnas.core.errors import ConfigError
from asymnas.networks.architecture import Architecture
from asymnas.networks.conv_blocks import BLOCKS
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.families.conv import ConvSide, spread_blocks
from asymnas.space.suggesters import Fixed, Random

PLAIN = ConvSide(channels=(4, 6), kernels=(3, 3), resampling="strided")
EARLIER = {"channels": [4, 6], "kernels": [3, 5], "activation": "silu", "block": "residual"}


def network(encoder, decoder=None, **changes):
    decoder = replace(decoder or encoder, resampling="nearest")
    settings = {"shape": (1, 9, 12), "latent": 3, **changes}
    return Architecture(
        encoder_family="conv2d",
        decoder_family="conv2d",
        encoder=encoder,
        decoder=decoder,
        **settings,
    )


def test_a_config_of_an_earlier_version_builds_the_same_network():
    side = {**EARLIER, "blocks": 1, "hidden": 0}
    architecture = Architecture.from_dict(
        {
            "family": "conv2d",
            "encoder": {**side, "resampling": "strided"},
            "decoder": {**side, "resampling": "transposed"},
            "shape": [1, 9, 12],
            "latent": 3,
            "bottleneck": "dense",
            "kind": "plain",
        }
    )
    assert architecture.encoder.blocks == (1, 1)
    assert architecture.encoder == replace(architecture.encoder, blocks=1)
    assert (architecture.counts.total_params, architecture.counts.total_macs) == (5_884, 62_964)
    x = torch.linspace(0, 1, 216).view(2, 1, 9, 12)
    output = architecture.build(3).eval()(x)
    torch.testing.assert_close(output.norm().item(), 0.044359, rtol=1e-4, atol=0)


def test_blocks_may_differ_from_stage_to_stage():
    side = replace(PLAIN, blocks=(0, 2), block="residual", inner=(5, 7))
    assert side.stage_widths(0) == (4,)
    assert side.stage_widths(1) == (6, 5, 7)
    layers = [row for row in network(side).layers() if row["side"] == "encoder"]
    sizes = [row["output_shape"] for row in layers if row["name"].startswith("conv")]
    inner = [(5, 3, 3), (6, 3, 3), (7, 3, 3), (6, 3, 3)]
    assert sizes == [(4, 5, 6), (6, 3, 3), *inner]


def test_a_decoder_deepened_by_three_residual_blocks_a_stage_is_a_config():
    reference = Architecture.preset("reference")
    decoder = replace(reference.decoder, kernels=(5, 3, 3), blocks=(3, 3, 3), block="residual")
    deepened = replace(reference, decoder=decoder)
    assert deepened.counts.decoder_macs > 4 * reference.counts.decoder_macs
    tapered = replace(deepened, decoder=replace(decoder, blocks=(0, 1, 3)))
    assert tapered.counts.decoder_macs < deepened.counts.decoder_macs
    assert Architecture.from_dict(tapered.to_dict()) == tapered


@pytest.mark.parametrize(
    ("most", "place", "depth", "blocks"),
    [
        (2, "all", 3, (2, 2, 2)),
        (2, "inner", 3, (0, 1, 2)),
        (2, "outer", 3, (2, 1, 0)),
        (2, "inner", 2, (0, 2)),
        (1, "outer", 4, (1, 1, 0, 0)),
        (1, "inner", 1, (1,)),
        (0, "inner", 3, (0, 0, 0)),
    ],
)
def test_blocks_are_spread_over_the_stages(most, place, depth, blocks):
    assert spread_blocks(most, place, depth) == blocks


def test_an_outer_convolution_works_at_the_resolution_of_the_data():
    side = replace(PLAIN, outer=5)
    rows = network(side).layers()
    first, last = rows[0], rows[-1]
    assert (first["name"], first["output_shape"]) == ("conv3", (5, 9, 12))
    assert (last["name"], last["output_shape"]) == ("conv3", (1, 9, 12))
    assert first["macs"] == last["macs"] == 9 * 12 * 9 * 5
    x = torch.rand(2, 1, 9, 12)
    assert network(side).build(0)(x).shape == x.shape


NORMED = [(block, "dense") for block in BLOCKS] + [("plain", b) for b in ("pooled", "spatial")]


@pytest.mark.parametrize(("block", "bottleneck"), NORMED)
def test_a_norm_stands_before_activations_and_takes_two_channels(block, bottleneck):
    side = ConvSide(
        channels=(2, 2),
        kernels=(3, 3),
        resampling="strided",
        blocks=1,
        block=block,
        norm="group",
        outer=2,
    )
    architecture = network(side, bottleneck=bottleneck)
    model = architecture.build(0)
    for part in (model.encoder, model.decoder):
        norms = [m for m in part.modules() if isinstance(m, nn.GroupNorm)]
        assert len(norms) == 5  # the outer convolution or the latent's, two resamplings, two blocks
        assert all(m.num_groups == 1 for m in norms)
    x = torch.rand(16, 1, 9, 12)
    output = model(x)
    assert output.isfinite().all()
    assert output.std() < 0.3  # after a norm the output starts small
    (output - x).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name
    assert network(replace(side, norm="none")).build(0)(x).shape == x.shape


def test_positions_next_to_the_bottleneck_attend_to_each_other():
    # A kernel of one would see no neighbour: only attention carries a change to other positions.
    side = ConvSide(channels=(4,), kernels=(1,), resampling="strided", attention=3)
    x = torch.rand(1, 1, 8, 8)
    changed = x.clone()
    changed[..., 6, 6] += 1.0  # a stride of two passes over odd places
    for attention in (0, 3):
        encoder = replace(side, attention=attention)
        model = network(encoder, shape=(1, 8, 8), bottleneck="spatial").build(0).encoder
        moved = (model(x) - model(changed)).abs().amax(1)[0]
        assert (moved[0, 0] > 1e-6) == bool(attention)


def test_attention_is_left_out_where_positions_are_many():
    entry = FAMILIES.get("conv2d")
    shapes = {"few": (1, 28, 28), "some": (1, 256, 256), "many": (1, 400, 400)}
    problems = {name: Problem(shape=shape, latent=4) for name, shape in shapes.items()}
    drawn = {
        name: [entry.suggest(Random(seed), "encoder", problem) for seed in range(40)]
        for name, problem in problems.items()
    }
    assert any(side.attention for side in drawn["few"] if len(side.channels) == 1)
    assert {len(side.channels) for side in drawn["some"] if side.attention} == {4}
    assert not any(side.attention for side in drawn["many"])
    offered = {
        name: space_of("conv2d", problem, budget=10**6, wide=True).choices()
        for name, problem in problems.items()
    }
    assert ["encoder_attention" in offered[name] for name in shapes] == [True, True, False]


def test_signals_are_not_attended_to():
    choices = space_of("conv1d", Problem(shape=(2, 45), latent=3)).choices()
    assert not [name for name in choices if name.endswith("_attention")]


def test_every_new_choice_is_drawn_and_scaled():
    entry = FAMILIES.get("conv2d")
    problem = Problem(shape=(1, 28, 28), latent=4)
    sides = [entry.suggest(Random(seed), "decoder", problem) for seed in range(40)]
    assert {side.norm for side in sides} == {"none", "group"}
    assert {side.activation for side in sides} == {"silu", "relu", "gelu"}
    for name in ("outer", "hidden", "attention"):
        assert {bool(getattr(side, name)) for side in sides} == {False, True}
    assert len({len(set(side.blocks)) for side in sides}) > 1
    side = next(side for side in sides if side.outer and side.hidden and side.attention)
    scaled = entry.scale(side, 0.02)
    for name in ("outer", "hidden", "attention"):
        width = getattr(scaled, name)
        assert 2 < width < getattr(side, name)
        assert {getattr(wider, name) for wider in entry.widened(scaled)} == {width, width + 1}


CHOSEN = {
    "blocks": {"blocks": (0, 2), "block": "residual", "inner": (5, 7)},
    "norm": {"norm": "group"},
    "outer": {"outer": 3},
    "hidden": {"hidden": 9},
    "attention": {"attention": 5},
    "activation": {"activation": "gelu"},
}


@pytest.mark.parametrize("chosen", CHOSEN.values(), ids=CHOSEN)
def test_a_choice_is_counted_as_built_and_mirrored(chosen):
    side = replace(PLAIN, **chosen)
    architecture = network(side)
    model = architecture.build(0)
    built = [sum(p.numel() for p in m.parameters()) for m in (model.encoder, model.decoder)]
    assert built == [architecture.encoder_params, architecture.decoder_params]
    assert architecture.counts != network(PLAIN).counts or "activation" in chosen
    mirror = architecture.mirror()
    assert mirror.mirror() == mirror
    for name, value in chosen.items():
        assert getattr(mirror.decoder, name) == value
    weights = [
        sorted(p.numel() for p in part.parameters() if p.dim() > 1)
        for part in (mirror.build(0).encoder, mirror.build(0).decoder)
    ]
    assert weights[0] == weights[1]
    assert Architecture.from_dict(architecture.to_dict()) == architecture


def test_blocks_are_one_number_per_stage():
    with pytest.raises(ConfigError, match="3 entries for 2 stages"):
        replace(PLAIN, blocks=(1, 0, 1))


EARLIER_DRAW = {
    "encoder_depth": 2,
    "encoder_growth": 1.5,
    "encoder_kernel": 3,
    "encoder_blocks": 1,
    "encoder_block": "residual",
    "encoder_downsampling": "strided",
    "encoder_width": 0.4,
    "decoder_depth": 1,
    "decoder_growth": 2.0,
    "decoder_kernel": 5,
    "decoder_blocks": 2,
    "decoder_block": "plain",
    "decoder_upsampling": "pixel_shuffle",
    "decoder_width": 0.7,
    "learning_rate": 4e-3,
}


def test_a_draw_of_an_earlier_version_gives_the_same_network():
    space = space_of("conv2d", Problem(shape=(1, 9, 12), latent=3), budget=12_000)
    architecture = space.suggest(Fixed(EARLIER_DRAW)).architecture
    assert architecture.encoder.blocks == (1, 1)
    assert architecture.decoder.blocks == (2,)
    assert (architecture.encoder.norm, architecture.encoder.activation) == ("none", "silu")
    assert (architecture.encoder_params, architecture.decoder_params) == (1027, 4679)


def test_a_latent_vector_of_means_has_no_hidden_layer_to_draw():
    for bottleneck in ("pooled", "spatial"):
        space = space_of("conv2d", Problem(shape=(1, 28, 28), latent=4, bottleneck=bottleneck))
        assert not [name for name in space.choices() if name.endswith("_hidden")]


@pytest.mark.parametrize("family", ["conv2d", "any"])
def test_a_space_that_is_not_wide_draws_what_all_sides_had_before(family):
    problem = Problem(shape=(1, 28, 28), latent=8)
    optional = FAMILIES.get("conv2d").optional
    usual, wide = (space_of(family, problem, wide=wide) for wide in (False, True))
    prefix = "encoder_" if family == "conv2d" else "encoder_conv2d_"
    names = {f"{prefix}{name}" for name in optional}
    assert names <= wide.choices().keys()
    assert not names & usual.choices().keys()
    assert usual.choices().items() <= wide.choices().items()
    sides = [usual.sample(seed).architecture.encoder for seed in range(24)]
    sides = [side for side in sides if isinstance(side, ConvSide)]
    assert len(sides) > 5
    for side in sides:
        assert (side.norm, side.activation) == ("none", "silu")
        assert (side.outer, side.hidden, side.attention) == (0, 0, 0)
        assert len(set(side.stage_blocks())) == 1

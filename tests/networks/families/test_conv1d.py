"""Convolutions along a signal: what they cost, what is drawn, and what is refused."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from problems import space_of

from asymnas.core.errors import ConfigError
from asymnas.networks.architecture import Architecture
from asymnas.networks.counting import count_macs, count_params
from asymnas.networks.downsampling import DOWNSAMPLINGS
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.families.conv import ConvSide, SignalSide
from asymnas.networks.upsampling import UPSAMPLINGS
from asymnas.space.suggesters import Fixed, options_of

SIGNAL = Problem(shape=(2, 128), latent=8)
SIDE = SignalSide(channels=(5, 7), kernels=(3, 7), resampling="strided", blocks=2, dilation=2)


def autoencoder(encoder, decoder, shape, **settings):
    return Architecture(
        encoder_family="conv1d",
        decoder_family="conv1d",
        encoder=encoder,
        decoder=decoder,
        shape=shape,
        latent=3,
        **settings,
    )


@pytest.mark.parametrize("length", [23, 24])
def test_parameters_and_macs_by_hand(length):
    """A convolution: kernel · inputs · outputs at each position of its output, or of the input."""
    half, quarter = (length + 1) // 2, ((length + 1) // 2 + 1) // 2
    architecture = autoencoder(SIDE, replace(SIDE, resampling="transposed"), (2, length))
    blocks = [(3 * 5 * 5, half)] * 2 + [(7 * 7 * 7, quarter)] * 2
    encoder = [(3 * 2 * 5, half), (7 * 5 * 7, quarter), *blocks, (7 * quarter * 3, 1)]
    decoder = [(3 * 7 * quarter, 1), *blocks, (7 * 7 * 5, quarter), (3 * 5 * 2, half)]
    counts = architecture.counts
    assert counts.encoder_macs == sum(weights * places for weights, places in encoder)
    assert counts.decoder_macs == sum(weights * places for weights, places in decoder)
    biases = (5 + 7) * 3
    assert counts.encoder_params == sum(weights for weights, _ in encoder) + biases + 3
    of_ends = 7 * quarter + 2 - 7  # the linear layer and the output in place of a stage's
    assert counts.decoder_params == sum(weights for weights, _ in decoder) + biases + of_ends
    model = architecture.build(0)
    assert count_macs(model, torch.randn(1, 2, length)) == counts.total_macs
    assert count_params(model) == counts.total_params


def test_layers_are_named():
    side = SignalSide(
        channels=(4,), kernels=(3,), resampling="strided", blocks=2, block="separable", dilation=3
    )
    decoder = replace(side, resampling="transposed_k4", blocks=0)
    names = [
        (row["name"], row["output_shape"])
        for row in autoencoder(side, decoder, (1, 8), bottleneck="spatial").layers()
    ]
    assert names == [
        ("conv3 s2", (4, 4)),
        ("depthwise conv3", (4, 4)),
        ("conv1", (4, 4)),
        ("depthwise conv3 d3", (4, 4)),
        ("conv1", (4, 4)),
        ("conv1", (3, 4)),
        ("conv1", (4, 4)),
        ("transposed conv4 s2", (1, 8)),
    ]


#: Every downsampling, every upsampling, every length and every bottleneck, spread over few cases.
LATIN = [
    (
        DOWNSAMPLINGS.names()[i % len(DOWNSAMPLINGS.names())],
        UPSAMPLINGS.names()[i % len(UPSAMPLINGS.names())],
        (2, 3, 5, 16, 17)[(i + i // 5) % 5],
        ("dense", "spatial", "pooled")[i % 3],
    )
    for i in range(12)
]


@pytest.mark.parametrize(("down", "up", "length", "bottleneck"), LATIN)
def test_ways_down_go_with_ways_up_at_any_length(down, up, length, bottleneck):
    encoder, decoder = (replace(SIDE, resampling=name) for name in (down, up))
    architecture = autoencoder(encoder, decoder, (3, length), bottleneck=bottleneck)
    x = torch.randn(2, 3, length)
    assert architecture.build(0)(x).shape == x.shape
    assert architecture.mirror().build(0)(x).shape == x.shape


@pytest.mark.parametrize(
    ("length", "positions"), [(2, 1), (3, 2), (5, 3), (33, 3), (128, 8), (1_000, 63)]
)
def test_a_spatial_latent_has_at_most_a_sixteenth_of_the_positions(length, positions):
    problem = Problem(shape=(2, length), latent=3, bottleneck="spatial")
    assert FAMILIES.get("conv1d").latent_shape(problem) == (3, positions)


def test_what_is_drawn():
    choices = space_of("conv1d", SIGNAL).choices()
    assert choices["encoder_downsampling"] == list(DOWNSAMPLINGS.names())
    assert choices["decoder_upsampling"] == list(UPSAMPLINGS.names())
    assert choices["encoder_depth"] == choices["decoder_depth"] == [1, 2, 3, 4, 5, 6]
    assert choices["decoder_dilation"] == [1, 2]
    assert space_of("conv1d", Problem(shape=(1, 9), latent=2)).choices()["encoder_depth"] == [1, 2]


def test_a_dilation_that_changes_nothing_is_no_other_structure():
    entry = FAMILIES.get("conv1d")
    draw = partial(entry.suggest, side="encoder", problem=SIGNAL)
    first = {name: values[0] for name, values in options_of(lambda s: draw(s)).items()}

    def drawn(blocks, dilation):
        return draw(Fixed({**first, "encoder_blocks": blocks, "encoder_dilation": dilation}))

    assert drawn(0, 1) == drawn(0, 2)
    assert drawn(1, 1) == drawn(1, 2)
    assert drawn(2, 1) != drawn(2, 2)


@pytest.mark.parametrize("shape", [(1, 8, 8), (64,), (3, 1), (2, 1, 8)])
def test_other_data_are_refused_with_what_takes_them(shape):
    with pytest.raises(ConfigError) as caught:
        autoencoder(SIDE, SIDE, shape)
    message = str(caught.value)
    assert message.startswith("conv1d takes signals (channels, length) of 2 samples or more; an ")
    assert f"is {shape}: take conv2d for images, dense for any data" in message
    assert "\n" not in message


@pytest.mark.parametrize("shape", [(2, 128), (1, 2)])
def test_conv2d_names_conv1d_for_signals_and_dense_takes_them(shape):
    side = ConvSide(channels=(4,), kernels=(3,), resampling="strided")
    with pytest.raises(ConfigError, match=r"conv2d takes images .* take conv1d for signals"):
        Architecture(
            encoder_family="conv2d",
            decoder_family="conv2d",
            encoder=side,
            decoder=side,
            shape=shape,
            latent=3,
        )
    assert FAMILIES.get("dense").unsupported_reason(Problem(shape=shape, latent=3)) is None

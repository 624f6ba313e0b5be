"""The description of an autoencoder: building, counting, mirroring, storing."""

from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asymnas.core.checksums import with_checksum
from asymnas.core.errors import AsymnasError, ConfigError, DamageError, UnknownNameError
from asymnas.networks.architecture import Architecture
from asymnas.networks.families.conv import ConvSide
from asymnas.networks.families.dense import DenseSide

SMALL = Architecture(
    encoder_family="dense",
    decoder_family="dense",
    encoder=DenseSide(widths=(5, 3)),
    decoder=DenseSide(widths=(4,)),
    shape=(6,),
    latent=2,
)


def test_counts_by_hand():
    counts = SMALL.counts
    assert counts.encoder_params == (6 * 5 + 5) + (5 * 3 + 3) + (3 * 2 + 2)
    assert counts.decoder_params == (2 * 4 + 4) + (4 * 6 + 6)
    assert counts.encoder_macs == 6 * 5 + 5 * 3 + 3 * 2
    assert counts.decoder_macs == 2 * 4 + 4 * 6
    assert counts.shared_params == 0
    assert (SMALL.encoder_params, SMALL.decoder_params) == (61, 42)
    assert SMALL.decoder_share == 42 / 103


def test_layers_in_order_of_computation():
    assert SMALL.layers() == [
        {"side": side, "name": "dense", "output_shape": (n,), "params": params, "macs": macs}
        for side, n, params, macs in [
            ("encoder", 5, 35, 30),
            ("encoder", 3, 18, 15),
            ("encoder", 2, 8, 6),
            ("decoder", 4, 12, 8),
            ("decoder", 6, 30, 24),
        ]
    ]


def test_convolutions_are_named_and_counted_layer_by_layer():
    architecture = Architecture(
        encoder_family="conv2d",
        decoder_family="conv2d",
        encoder=ConvSide(channels=(4,), kernels=(3,), resampling="strided"),
        decoder=ConvSide(
            channels=(4,), kernels=(5,), resampling="transposed_k4", blocks=1, block="separable"
        ),
        shape=(1, 8, 8),
        latent=2,
        bottleneck="spatial",
    )
    rows = [(r["name"], r["output_shape"], r["params"], r["macs"]) for r in architecture.layers()]
    assert rows == [
        ("conv3 s2", (4, 4, 4), 9 * 4 + 4, 9 * 4 * 16),
        ("conv1", (2, 4, 4), 4 * 2 + 2, 4 * 2 * 16),
        ("conv1", (4, 4, 4), 2 * 4 + 4, 2 * 4 * 16),
        ("depthwise conv5", (4, 4, 4), 25 * 4 + 4, 25 * 4 * 16),
        ("conv1", (4, 4, 4), 4 * 4 + 4, 4 * 4 * 16),
        ("transposed conv4 s2", (1, 8, 8), 16 * 4 + 1, 16 * 4 * 16),
    ]


def test_unseeded_builds_draw_from_the_global_state():
    def weights(seed):
        torch.manual_seed(seed)
        return SMALL.build().encoder[1].weight

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_dense_fractions_are_by_parameters():
    assert SMALL.dense_fractions() == (1.0, 1.0)
    reference = Architecture.preset("reference")
    encoder, decoder = reference.dense_fractions()
    assert encoder == (1_179_904 + 16_448) / 1_305_472
    assert decoder == (16_640 + 1_184_256) / 1_309_891


def test_an_architecture_cannot_change_and_equals_its_like():
    with pytest.raises(FrozenInstanceError):
        SMALL.latent = 3
    again = Architecture.from_dict(SMALL.to_dict())
    assert again == SMALL
    assert hash(again) == hash(SMALL)
    for changed in (
        replace(SMALL, latent=3),
        replace(SMALL, encoder=SMALL.decoder),
        replace(SMALL, decoder=replace(SMALL.decoder, activation="tanh")),
    ):
        assert changed != SMALL
        assert changed.key() != SMALL.key()


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": {"widths": [3], "depth": 2}},
        {"encoder": {}},
        {"color": "red"},
        {"encoder_family": None},
        {"decoder": "dense"},
        {"kind": [1]},
    ],
    ids=str,
)
def test_what_is_no_architecture_is_refused(change):
    with pytest.raises(ConfigError):
        Architecture.from_dict({**SMALL.to_dict(), **change})
    for name in ("encoder_family", "decoder", "shape", "latent"):
        values = SMALL.to_dict()
        del values[name]
        with pytest.raises(ConfigError, match=f"not an architecture: .*{name}"):
            Architecture.from_dict(values)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [
    *SMALL.to_dict(),
    *((side, name) for side in ("encoder", "decoder") for name in ("widths", "x")),
]


def read(values):
    """An architecture, or the error in its place."""
    try:
        return Architecture.from_dict(values)
    except AsymnasError as error:
        return error


@given(st.sampled_from(FIELDS), JSON)
def test_any_value_in_an_architecture_is_an_error_of_one_line_or_read_back(field, value):
    values = SMALL.to_dict()
    if isinstance(field, str):
        values[field] = value
    else:
        side, name = field
        values[side] = {**values[side], name: value}
    result = read(values)
    if isinstance(result, AsymnasError):
        assert str(result).isprintable()
    else:
        assert read(result.to_dict()).key() == result.key()


def test_a_file_of_a_run_that_was_changed_by_hand_is_read_without_its_checksum():
    changed = {**with_checksum(SMALL.to_dict()), "latent": 3}
    with pytest.raises(DamageError, match=r"the architecture is damaged: .* delete its field"):
        Architecture.from_dict(changed)
    del changed["checksum"]
    assert Architecture.from_dict(changed) == replace(SMALL, latent=3)


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"'lstm'; there are: .*conv2d.*dense"):
        replace(SMALL, decoder_family="lstm")
    with pytest.raises(UnknownNameError, match="no kind is called 'other'"):
        replace(SMALL, kind="other").build()
    with pytest.raises(UnknownNameError, match=r"no preset is called 'x'.*reference"):
        Architecture.preset("x")


def test_mirror_keeps_everything_but_the_decoder():
    mirror = SMALL.mirror()
    assert mirror == replace(SMALL, decoder=SMALL.encoder)
    assert SMALL.decoder == DenseSide(widths=(4,))

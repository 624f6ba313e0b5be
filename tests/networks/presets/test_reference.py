"""The reference network, to the number."""

import pytest
import torch

from asymnas.networks.architecture import Architecture
from asymnas.networks.presets import PRESETS

LAYERS = {
    "encoder": [
        ("conv5 s2", (32, 24, 24), 2_432),
        ("conv4 s2", (64, 12, 12), 32_832),
        ("conv3 s2", (128, 6, 6), 73_856),
        ("dense", (256,), 1_179_904),
        ("dense", (64,), 16_448),
    ],
    "decoder": [
        ("dense", (256,), 16_640),
        ("dense", (4608,), 1_184_256),
        ("transposed conv3 s2", (64, 12, 12), 73_792),
        ("transposed conv4 s2", (32, 24, 24), 32_800),
        ("transposed conv5 s2", (3, 48, 48), 2_403),
    ],
}


@pytest.fixture(scope="module")
def reference() -> Architecture:
    return Architecture.preset("reference")


def test_parameters_and_macs(reference):
    counts = reference.counts
    assert (counts.encoder_params, counts.decoder_params) == (1_305_472, 1_309_891)
    assert (counts.encoder_macs, counts.decoder_macs) == (9_951_232, 9_951_232)
    assert counts.shared_params == 0


def test_weights_alone_are_equal(reference):
    model = reference.build(0)
    for side in (model.encoder, model.decoder):
        assert sum(p.numel() for p in side.parameters() if p.dim() > 1) == 1_304_928


def test_every_layer(reference):
    rows = reference.layers()
    for side, expected in LAYERS.items():
        own = [(r["name"], r["output_shape"], r["params"]) for r in rows if r["side"] == side]
        assert own == expected
    assert sum(row["macs"] for row in rows) == 2 * 9_951_232


def test_activations_are_where_they_belong(reference):
    model = reference.build(0)
    names = [type(m).__name__ for m in model.modules() if not list(m.children())]
    kept = [n for n in names if n in ("ReLU", "Tanh", "Conv2d", "ConvTranspose2d", "Linear")]
    assert kept == [
        *["Conv2d", "ReLU"] * 3,
        *["Linear", "Tanh", "Linear", "Linear", "Tanh", "Linear", "ReLU"],
        *["ConvTranspose2d", "ReLU"] * 2,
        "ConvTranspose2d",
    ]


def test_it_is_its_own_mirror(reference):
    assert reference.mirror() == reference


EXACT = [name for name in PRESETS.names() if PRESETS.get(name).exact]


@pytest.mark.parametrize("name", EXACT)
def test_every_exact_preset_reconstructs_its_shape_and_has_its_published_size(name):
    preset = Architecture.preset(name)
    x = torch.randn(2, *preset.shape)
    assert preset.build(0)(x).shape == x.shape
    assert Architecture.from_dict(preset.to_dict()) == preset
    assert (preset.encoder_params, preset.decoder_params) == PRESETS.get(name).params


def test_the_reference_is_exact():
    assert "reference" in EXACT

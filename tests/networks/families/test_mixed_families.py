"""What holds of every pair of families that a latent vector joins, and what does not join."""

import dataclasses
import json
from itertools import permutations

import pytest
import torch
from problems import BUDGET, EVERY, space_of

from asymnas.core.errors import ConfigError
from asymnas.networks.architecture import Architecture, unsupported_reason
from asymnas.networks.families import FAMILIES, Problem

PAIRS = list(permutations(FAMILIES.names(), 2))


def _cases():
    """Every ordered pair on the problems that both serve: the first of each pair is fast."""
    cases, seen = [], set()
    for encoder, decoder in PAIRS:
        for problem in EVERY:
            if unsupported_reason(encoder, decoder, problem, "plain") is not None:
                continue
            first = (encoder, decoder) not in seen
            seen.add((encoder, decoder))
            name = "-".join(
                [encoder, decoder, "x".join(map(str, problem.shape)), problem.bottleneck]
            )
            marks = () if first else (pytest.mark.slow, pytest.mark.essential)
            cases.append(pytest.param(encoder, decoder, problem, marks=marks, id=name))
    return cases


CASES = _cases()
every_case = pytest.mark.parametrize(("encoder", "decoder", "problem"), CASES)


def mixed(encoder, decoder, problem, seed=0):
    return space_of(encoder, problem, decoder_family=decoder).sample(seed).architecture


def size(module):
    return sum(p.numel() for p in module.parameters())


def test_every_pair_but_that_of_signals_and_images_is_tried():
    tried = {case.values[:2] for case in CASES}
    assert set(PAIRS) - tried == {("conv1d", "conv2d"), ("conv2d", "conv1d")}


@every_case
def test_a_mixed_network_reconstructs_learns_and_is_counted(encoder, decoder, problem):
    architecture = mixed(encoder, decoder, problem)
    assert (architecture.encoder_family, architecture.decoder_family) == (encoder, decoder)
    assert architecture.family == f"{encoder}/{decoder}"
    sides = {s: getattr(architecture, s) for s in ("encoder", "decoder")}
    smooth = {s: dataclasses.replace(side, activation="silu") for s, side in sides.items()}
    architecture = dataclasses.replace(architecture, **smooth)
    model = architecture.build(1)
    x = torch.randn(32, *problem.shape, generator=torch.Generator().manual_seed(0))
    z = model.encode(x)
    assert z.shape == (32, problem.latent)
    assert model(x).shape == x.shape
    (model(x) - x).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name
    counts = architecture.counts
    assert (counts.encoder_params, counts.decoder_params) == (
        size(model.encoder),
        size(model.decoder),
    )
    assert counts.total_params <= BUDGET
    rows = architecture.layers()
    assert sum(row["macs"] for row in rows) == counts.total_macs > 0


@every_case
def test_json_there_and_back(encoder, decoder, problem):
    architecture = mixed(encoder, decoder, problem)
    back = Architecture.from_dict(json.loads(json.dumps(architecture.to_dict())))
    assert back == architecture
    assert back.key() == architecture.key()


@every_case
def test_the_mirror_is_of_the_encoders_family(encoder, decoder, problem):
    architecture = mixed(encoder, decoder, problem)
    mirror = architecture.mirror()
    assert mirror.encoder == architecture.encoder
    assert (mirror.encoder_family, mirror.decoder_family) == (encoder, encoder)
    assert mirror.decoder == FAMILIES.get(encoder).mirror(architecture.encoder)


def test_a_spatial_latent_needs_one_family():
    problem = Problem(shape=(1, 28, 28), latent=4, bottleneck="spatial")
    reason = unsupported_reason("transformer", "conv2d", problem, "plain")
    assert reason is not None
    assert "latent vector" in reason
    with pytest.raises(ConfigError, match="latent vector"):
        space_of("transformer", problem, decoder_family="conv2d")
    assert unsupported_reason("conv2d", "conv2d", problem, "plain") is None


def test_a_kind_of_tokens_needs_one_family():
    spatial = Problem(shape=(1, 28, 28), latent=4, bottleneck="spatial")
    assert unsupported_reason("transformer", "transformer", spatial, "masked") is None
    for problem in (spatial, dataclasses.replace(spatial, bottleneck="dense")):
        with pytest.raises(ConfigError, match=r"latent"):
            space_of("transformer", problem, decoder_family="conv2d", kind="masked")


def test_a_side_that_cannot_serve_the_data_is_named():
    problem = Problem(shape=(1, 28, 28), latent=4)
    for families in (("conv1d", "dense"), ("dense", "conv1d")):
        reason = unsupported_reason(*families, problem, "plain")
        assert reason is not None
        assert "conv1d takes signals" in reason


def test_an_architecture_of_an_earlier_version_has_its_family_on_both_sides():
    earlier = {
        "family": "dense",
        "encoder": {"widths": [3, 2], "activation": "tanh"},
        "decoder": {"widths": [4], "activation": "silu"},
        "shape": [1, 8, 8],
        "latent": 4,
        "bottleneck": "dense",
        "kind": "plain",
    }
    architecture = Architecture.from_dict(earlier)
    assert architecture.family == "dense"
    assert (architecture.encoder_family, architecture.decoder_family) == ("dense", "dense")

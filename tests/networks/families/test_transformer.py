"""Transformers: patches by hand, attention against its definition, counts against formulas."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import space_of
from torch import nn

from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset
from asymnas.networks.architecture import Architecture
from asymnas.networks.counting import count_macs
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.families.transformer import (
    MOST_TOKENS,
    Attention,
    Patches,
    PreNormBranch,
    TransformerSide,
    blocks,
    patch_sizes,
)
from asymnas.networks.initial_weights import initialise
from asymnas.space.equal_budget import at_share
from asymnas.space.suggesters import Random
from asymnas.training.evaluation import as_input
from asymnas.training.rung import Job, train_rung

TRANSFORMER = FAMILIES.get("transformer")
SIDE = TransformerSide(width=12, heads=2, head_sizes=(5, 6), hidden=(20, 21), patch=2)


def architecture_of(problem, **changes):
    side = replace(SIDE, patch=patch_sizes(problem)[0], **changes)
    settings = {"shape": problem.shape, "latent": problem.latent, "bottleneck": problem.bottleneck}
    return Architecture(
        encoder_family="transformer",
        decoder_family="transformer",
        encoder=side,
        decoder=side,
        **settings,
    )


def test_patches_of_an_image_row_by_row_with_its_last_values_repeated():
    x = torch.arange(2 * 3 * 5.0).reshape(1, 2, 3, 5)
    patches = Patches((2, 3, 5), 2)
    assert (patches.grid, patches.tokens, patches.values) == ((2, 3), 6, 8)
    cut = patches.cut(x)[0]
    assert cut[0].tolist() == [0, 1, 5, 6, 15, 16, 20, 21]
    assert cut[2].tolist() == [4, 4, 9, 9, 19, 19, 24, 24]
    assert cut[5].tolist() == [14, 14, 14, 14, 29, 29, 29, 29]


def test_patches_of_a_signal():
    x = torch.arange(2 * 5.0).reshape(1, 2, 5)
    cut = Patches((2, 5), 2).cut(x)[0]
    assert cut.tolist() == [[0, 1, 5, 6], [2, 3, 7, 8], [4, 4, 9, 9]]


@settings(deadline=None)
@given(
    st.integers(1, 3), st.lists(st.integers(1, 9), min_size=1, max_size=2), st.sampled_from((2, 4))
)
def test_patches_joined_are_the_example(channels, sizes, patch):
    patches = Patches((channels, *sizes), patch)
    x = torch.randn(3, channels, *sizes)
    assert patches.cut(x).shape == (3, patches.tokens, patches.values)
    assert torch.equal(patches.join(patches.cut(x)), x)
    if x.dim() == 4:
        assert torch.equal(
            patches.cut(x.contiguous(memory_format=torch.channels_last)), patches.cut(x)
        )


@pytest.mark.parametrize(
    ("shape", "patches"),
    [
        ((1, 28, 28), (4, 8)),
        ((3, 27, 45), (4, 8)),
        ((3, 224, 224), (32, 64)),
        ((1, 8, 8), (2, 4)),
        ((1, 1000), (16, 32)),
        ((1, 96), (8, 16)),
        ((2, 7), (2,)),
    ],
)
def test_patch_sizes_leave_few_tokens(shape, patches):
    assert patch_sizes(Problem(shape=shape, latent=2)) == patches
    spatial = Problem(shape=shape, latent=2, bottleneck="spatial")
    assert patch_sizes(spatial) == patches[:1]
    grid = tuple(math.ceil(n / patches[0]) for n in shape[1:])
    assert TRANSFORMER.latent_shape(spatial) == (2, *grid)
    assert TRANSFORMER.tokens(spatial) == math.prod(grid) <= MOST_TOKENS


def test_rows_and_what_is_one_patch_are_refused():
    for shape in ((64,), (3, 2), (1, 2, 2)):
        assert "take the dense family" in TRANSFORMER.unsupported_reason(
            Problem(shape=shape, latent=2)
        )
    assert TRANSFORMER.unsupported_reason(Problem(shape=(1, 1, 3), latent=2)) is None


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention_is_a_softmax_of_scaled_products(heads):
    b, t, size = 2, 5, 3
    q, k, v = torch.randn(3, b, t, heads, size)
    found = Attention(heads)(torch.cat([m.flatten(2) for m in (q, k, v)], 2))
    weights = (torch.einsum("bthi,buhi->bhtu", q, k) / math.sqrt(size)).softmax(-1)
    torch.testing.assert_close(found, torch.einsum("bhtu,buhi->bthi", weights, v).flatten(2))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_the_macs_of_attention_are_counted_wherever_it_runs(device):
    t, heads, size = 7, 2, 5
    qkv = torch.empty(1, t, 3 * heads * size, device=device)
    assert count_macs(Attention(heads), qkv) == 2 * t * t * heads * size


@pytest.mark.parametrize("bottleneck", ["dense", "pooled", "spatial"])
def test_counts_by_hand(bottleneck):
    problem = Problem(shape=(1, 8, 8), latent=3, bottleneck=bottleneck)
    d, t, p, z = 12, 16, 4, 3
    params, macs = 0, 0
    for inner, hidden in ((10, 20), (12, 21)):
        params += d * 3 * inner + inner * d + d + d * hidden + hidden + hidden * d + d
        macs += t * (d * 3 * inner + inner * d + 2 * d * hidden) + 2 * t * t * inner
    position = t * d
    ends = {  # into the latent, out of it: parameters, and MACs of either
        "dense": (t * d * z + z, z * t * d + t * d, t * d * z),
        "pooled": (d * z + z, z * d + d + position, d * z),
        "spatial": (d * z + z, z * d + d + position, t * d * z),
    }
    into, out, end_macs = ends[bottleneck]
    counts = architecture_of(problem).counts
    assert counts.encoder_params == (p * d + d) + position + params + into
    assert counts.decoder_params == out + params + (d * p + p)
    assert counts.encoder_macs == counts.decoder_macs == t * p * d + macs + end_macs


def test_layers_show_where_attention_is_computed():
    rows = architecture_of(Problem(shape=(1, 8, 8), latent=3)).layers()
    names = [row["name"] for row in rows if row["side"] == "encoder"]
    block = ["dense", "attention", "dense", "dense", "dense"]
    assert names == ["dense", "addposition", *block, *block, "dense"]
    attention = next(row for row in rows if row["name"] == "attention")
    assert (attention["params"], attention["output_shape"]) == (0, (16, 10))


@pytest.mark.parametrize("bottleneck", ["pooled", "spatial"])
def test_places_matter(bottleneck):
    """Without positions, tokens in another order would give the same, in that order."""
    model = architecture_of(Problem(shape=(1, 8, 8), latent=3, bottleneck=bottleneck)).build(0)
    x = torch.randn(2, 1, 8, 8)
    turned = x.roll(2, -1)  # patches of two by two move by one
    z, other = model.encode(x), model.encode(turned)
    back = other.roll(-1, -1) if bottleneck == "spatial" else other
    assert (z - back).abs().max() > 0.05
    for side in (model.encoder, model.decoder):
        for name, parameter in side.named_parameters():
            if name.endswith("position"):
                nn.init.zeros_(parameter)
    other = model.encode(turned)
    back = other.roll(-1, -1) if bottleneck == "spatial" else other
    torch.testing.assert_close(model.encode(x), back)


@pytest.mark.parametrize("depth", [1, 6])
def test_the_variance_does_not_grow_with_depth(depth):
    torch.manual_seed(0)
    body = blocks(64, 4, (16,) * depth, (128,) * depth, "gelu")
    initialise(body)
    x = torch.randn(8, 20, 64)
    for layer in body:
        assert isinstance(layer, PreNormBranch | nn.LayerNorm)
        x = layer(x) if isinstance(layer, PreNormBranch) else x
    assert 1.1 < x.var().item() < 2.5


@pytest.mark.parametrize("bottleneck", ["dense", "pooled", "spatial"])
def test_widths_are_fine_enough_to_fill_a_budget_at_any_share(bottleneck):
    problem = Problem(shape=(1, 28, 28), latent=8, bottleneck=bottleneck)
    space = space_of("transformer", problem, budget=150_000)
    for seed in range(4):
        suggester = Random(seed)
        structures = [space.structure(part, suggester) for part in space.parts]
        for share in (0.15, 0.5, 0.85):
            architecture = at_share(space, structures, share)
            assert architecture is not None
            assert architecture.encoder.heads == structures[0].heads
            assert len(architecture.decoder.hidden) == len(structures[1].hidden)
            assert architecture.decoder.patch == structures[1].patch


@pytest.mark.slow
def test_it_learns_digits_better_than_their_principal_components():
    latent, digits = 8, DataSpec(name="digits")
    side = TransformerSide(width=24, heads=4, head_sizes=(6, 6), hidden=(48, 48), patch=2)
    architecture = Architecture(
        encoder_family="transformer",
        decoder_family="transformer",
        encoder=side,
        decoder=side,
        shape=(1, 8, 8),
        latent=latent,
    )
    job = Job(
        architecture=architecture,
        data=digits,
        learning_rate=8e-3,
        batch_size=64,
        seed=0,
        until=900,
        total=900,
    )
    data = load_dataset(digits)
    train, validation = (as_input(s).flatten(1) for s in (data.train, data.validation))
    mean = train.mean(0)
    axes = torch.linalg.svd(train - mean, full_matrices=False)[2][:latent]
    linear = ((validation - mean) - (validation - mean) @ axes.T @ axes).square().mean()
    assert train_rung(job).metrics["val_loss"] < 0.8 * linear.item()

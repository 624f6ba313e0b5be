"""What holds of every registered family, on every problem that it takes."""

import dataclasses
import json
import math
from itertools import pairwise

import pytest
import torch
from problems import CASES, EVERY, drawn, space_of

from asymnas.core.errors import ConfigError
from asymnas.networks.architecture import Architecture
from asymnas.networks.families import FAMILIES
from asymnas.networks.kinds import TokenEncoder
from asymnas.space.suggesters import Fixed, Random, options_of

SEEDS = range(2)
every_case = pytest.mark.parametrize(("family", "problem"), CASES)


def inputs_of(problem, n=4):
    return torch.randn(n, *problem.shape, generator=torch.Generator().manual_seed(0))


def size(module):
    return sum(p.numel() for p in module.parameters())


def weights(module):
    return sum(p.numel() for name, p in module.named_parameters() if name.endswith("weight"))


@pytest.mark.parametrize("name", FAMILIES.names())
def test_a_family_takes_some_problems_and_says_why_not_the_others(name):
    entry = FAMILIES.get(name)
    taken = [problem for problem in EVERY if entry.unsupported_reason(problem) is None]
    assert taken
    for problem in EVERY:
        if problem in taken:
            continue
        assert name in entry.unsupported_reason(problem)
        side = drawn(name, taken[0], 0).encoder
        with pytest.raises(ConfigError, match=name):
            Architecture(
                encoder_family=name,
                decoder_family=name,
                encoder=side,
                decoder=side,
                **dataclasses.asdict(problem),
            )
        with pytest.raises(ConfigError, match=name):
            space_of(name, problem)


@every_case
def test_what_goes_in_comes_out_in_its_shape(family, problem):
    latent_shape = FAMILIES.get(family).latent_shape(problem)
    x = inputs_of(problem)
    for seed in SEEDS:
        model = drawn(family, problem, seed).build(seed)
        z = model.encode(x)
        assert z.shape == (4, *latent_shape)
        assert latent_shape[0] == problem.latent
        assert model(x).shape == x.shape
        assert torch.equal(model.decode(z), model(x))
        one, other = model(x)[:2]
        assert (one - other).std() > 1e-3 * one.std() > 0  # the input gets through


@every_case
def test_gradients_reach_every_parameter(family, problem):
    x = inputs_of(problem, n=32)
    for seed in SEEDS:
        architecture = drawn(family, problem, seed)
        sides = {s: getattr(architecture, s) for s in ("encoder", "decoder")}
        smooth = {  # a rectifier may be off on all 32 examples
            s: dataclasses.replace(c, activation="silu") if hasattr(c, "activation") else c
            for s, c in sides.items()
        }
        model = dataclasses.replace(architecture, **smooth).build(seed)
        (model(x) - x).square().mean().backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


@every_case
def test_a_seed_gives_the_same_weights_and_leaves_the_global_state_alone(family, problem):
    architecture = drawn(family, problem, 0)
    one = architecture.build(1).state_dict()
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    again, other = architecture.build(1).state_dict(), architecture.build(2).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert all(not torch.equal(one[name], other[name]) for name in one if one[name].dim() > 1)


@every_case
def test_json_there_and_back(family, problem):
    for seed in SEEDS:
        architecture = drawn(family, problem, seed)
        back = Architecture.from_dict(json.loads(json.dumps(architecture.to_dict())))
        assert back == architecture
        assert back.key() == architecture.key()
        assert back.counts == architecture.counts
    assert drawn(family, problem, 0).key() != drawn(family, problem, 1).key()


@every_case
def test_a_side_draws_under_its_own_names(family, problem):
    entry = FAMILIES.get(family)
    names = {
        side: list(options_of(lambda s, side=side: entry.suggest(s, side, problem)))
        for side in ("encoder", "decoder")
    }
    for side, own in names.items():
        assert own
        assert all(name.startswith(f"{side}_") for name in own)
        assert f"{side}_width" not in own


@every_case
def test_sides_vary_independently(family, problem):
    entry, space = FAMILIES.get(family), space_of(family, problem)
    choices = space.choices()
    first = {name: values[0] for name, values in choices.items()} | {"learning_rate": 0.001}
    other = first | {n: values[-1] for n, values in choices.items() if n.startswith("decoder_")}
    widths = {"encoder_width": 0.2, "decoder_width": 0.2}

    def draw(values):
        return space.suggest(Fixed(values)).architecture

    one, two = draw(first | widths), draw(other | widths)
    assert entry.scale(one.encoder, 0.0) == entry.scale(two.encoder, 0.0)
    assert entry.scale(one.decoder, 0.0) != entry.scale(two.decoder, 0.0)
    assert two.encoder_params == pytest.approx(one.encoder_params, rel=0.25)
    wider = draw(first | widths | {"decoder_width": 0.5})
    assert wider.encoder == one.encoder
    assert wider.decoder_params > 1.2 * one.decoder_params
    wider = draw(first | widths | {"encoder_width": 0.5})
    assert wider.decoder == one.decoder
    assert wider.encoder_params > 1.2 * one.encoder_params


@every_case
def test_the_mirror_has_the_same_encoder_and_a_decoder_like_it(family, problem):
    for seed in SEEDS:
        architecture = drawn(family, problem, seed)
        mirror = architecture.mirror()
        assert mirror.encoder == architecture.encoder
        assert mirror.mirror() == mirror
        model = mirror.build(0)
        assert size(model.decoder) == mirror.decoder_params
        # Biases differ where one side puts out more numbers than the other takes in.
        assert weights(model.encoder) == weights(model.decoder) > 0


@every_case
def test_counts_on_meta_are_those_of_the_built_module(family, problem):
    for seed in SEEDS:
        architecture = drawn(family, problem, seed)
        model = architecture.build(0)
        counts = architecture.counts
        assert counts.encoder_params == size(model.encoder)
        assert counts.decoder_params == size(model.decoder)
        assert counts.shared_params == size(model.bottleneck)
        assert counts.total_params == size(model)
        rows = architecture.layers()
        for side in ("encoder", "decoder"):
            own = [row for row in rows if row["side"] == side]
            assert sum(row["macs"] for row in own) == getattr(counts, f"{side}_macs") > 0
        for name, fraction in zip(
            ("encoder", "decoder"), architecture.dense_fractions(), strict=True
        ):
            own = [row for row in rows if row["side"] == name]
            dense = sum(row["params"] for row in own if row["name"] == "dense")
            assert fraction == pytest.approx(dense / getattr(counts, f"{name}_params"))


def _side(entry, config, side, problem):
    if side == "encoder":
        return entry.build_encoder(config, problem, problem.latent)
    return entry.build_decoder(config, problem)


@every_case
@pytest.mark.slow
@pytest.mark.essential
def test_scale_is_monotone_in_parameters(family, problem):
    entry, random = FAMILIES.get(family), Random(0)
    for side in ("encoder", "decoder", "encoder", "decoder"):
        structure = entry.suggest(random, side, problem)
        counts = []
        for factor in (0.0, 0.001, 0.01, 0.02, 0.04, 0.05, 0.08):
            config = entry.scale(structure, factor)
            with torch.device("meta"):
                counts.append(size(_side(entry, config, side, problem)))
        assert all(a <= b for a, b in pairwise(counts))
        assert counts[-1] > 5 * counts[0]
        assert entry.scale(structure, 1.0) == structure
        narrow = entry.scale(structure, 0.01)
        wider = entry.widened(narrow)
        assert wider
        assert len(set(wider)) == len(wider)
        for config in wider:
            with torch.device("meta"):
                assert size(_side(entry, config, side, problem)) > size(
                    _side(entry, narrow, side, problem)
                )


@every_case
def test_an_encoder_of_tokens_can_be_shown_some_of_them(family, problem):
    entry = FAMILIES.get(family)
    tokens, model = entry.tokens(problem), drawn(family, problem, 0).build(0)
    assert isinstance(model.encoder, TokenEncoder) == (tokens > 0)
    if not tokens:
        return
    grid = entry.latent_shape(problem)[1:]
    assert tokens == model.encoder.tokens == math.prod(grid) > 1
    x = inputs_of(problem)
    keep = torch.rand(4, tokens, generator=torch.Generator().manual_seed(1)).argsort(1)
    code = model.encoder(x)
    torch.testing.assert_close(model.encoder(x, keep), code)  # all of them, in any order
    keep = keep[:, : (tokens + 1) // 2]
    shown = torch.zeros(4, tokens, dtype=torch.bool).scatter(1, keep, True)
    some = model.encoder(x, keep)
    assert some.shape == code.shape
    assert torch.equal((some != 0).all(1).flatten(1), shown)
    seen = model.encoder.spread(shown)
    assert seen.shape == x.shape
    assert seen.dtype == torch.bool
    hidden_changed = torch.where(seen, x, 9.0)
    assert torch.equal(model.encoder(hidden_changed, keep), some)

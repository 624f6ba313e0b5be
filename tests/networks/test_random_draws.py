"""Draws of one block from one generator, and seeded weights whatever else draws."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from problems import space_of
from torch import nn

from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.random_draws import draws_from

DRAWS = {
    "linear": lambda: nn.Linear(3, 4).weight,
    "convolution": lambda: nn.Conv2d(2, 3, 3).bias,
    "attention": lambda: nn.MultiheadAttention(4, 2).in_proj_weight,
    "embedding": lambda: nn.Embedding(5, 3).weight,
    "randn": lambda: torch.randn(20),
    "rand": lambda: torch.rand(3),
    "randperm": lambda: torch.randperm(9),
    "randint": lambda: torch.randint(9, (4,)),
    "bernoulli": lambda: torch.bernoulli(torch.full((9,), 0.5)),
    "truncated": lambda: nn.init.trunc_normal_(torch.empty(4)),
    "orthogonal": lambda: nn.init.orthogonal_(torch.empty(3, 3)),
    "in place": lambda: torch.empty(4).exponential_(),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_block_draws_what_the_global_generator_would_and_leaves_that_alone(draw):
    torch.manual_seed(4)
    expected = draw()
    torch.manual_seed(9)
    before = torch.get_rng_state()
    with draws_from(torch.Generator().manual_seed(4)):
        drawn = draw()
    assert torch.equal(drawn, expected)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_generator_that_is_given_is_used():
    expected = torch.rand(3, generator=torch.Generator().manual_seed(1))
    with draws_from(torch.Generator().manual_seed(2)):
        drawn = torch.rand(3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(drawn, expected)


def test_another_thread_is_not_affected():
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    with draws_from(generator):
        thread = threading.Thread(target=torch.rand, args=(3,))
        thread.start()
        thread.join()
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("family", FAMILIES.names())
def test_threads_build_the_weights_of_one_thread(family):
    shape = (2, 64) if family == "conv1d" else (1, 8, 8)
    space = space_of(family, Problem(shape=shape, latent=6), budget=10_000)
    architectures = [space.sample(seed).architecture for seed in range(6)]
    seeds = range(6)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    alone = [a.build(seed).state_dict() for a, seed in zip(architectures, seeds, strict=True)]
    assert torch.equal(torch.get_rng_state(), state)
    with ThreadPoolExecutor(3) as executor:
        built = list(executor.map(lambda a, seed: a.build(seed).state_dict(), architectures, seeds))
    for expected, weights in zip(alone, built, strict=True):
        assert all(torch.equal(expected[name], weights[name]) for name in expected)

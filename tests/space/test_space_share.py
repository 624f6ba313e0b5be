"""Random draws favour neither side, and nothing it draws is over the budget."""

from concurrent.futures import Executor

import numpy as np
import pytest
import torch
from marks import essential_first
from problems import label, space_of

from asymnas.core.provenance import cores
from asymnas.networks.architecture import Architecture
from asymnas.networks.families import FAMILIES, Problem
from asymnas.runs.executors.local import local_processes

BUDGET = 150_000
DRAWS = {"conv2d": 10_000, "dense": 10_000}  # of a family, over its bottlenecks
FEWER = 1_200  # of the others, to save time
CHUNK = 100

IMAGE, SIGNAL = (1, 28, 28), (2, 128)
PROBLEMS = [
    Problem(shape=IMAGE, latent=16),
    Problem(shape=IMAGE, latent=4, bottleneck="spatial"),
    Problem(shape=IMAGE, latent=16, bottleneck="pooled"),
    Problem(shape=(64,), latent=8),
    Problem(shape=SIGNAL, latent=8),
    Problem(shape=SIGNAL, latent=4, bottleneck="spatial"),
    Problem(shape=SIGNAL, latent=8, bottleneck="pooled"),
]
CASES = [
    (family, problem)
    for family in FAMILIES.names()
    for problem in PROBLEMS
    if FAMILIES.get(family).unsupported_reason(problem) is None
]


def built_sizes(architecture: Architecture) -> list[int]:
    """Parameters of the encoder and of the decoder, as built."""
    model = architecture.build()
    return [sum(p.numel() for p in m.parameters()) for m in (model.encoder, model.decoder)]


def shares_of(family: str, problem: Problem, first: int, last: int) -> list[float]:
    """Decoder shares of the draws of some seeds, each built and counted."""
    space = space_of(family, problem, budget=BUDGET)
    shares = []
    for seed in range(first, last):
        architecture = space.sample(seed).architecture
        encoder, decoder = built_sizes(architecture)
        assert (architecture.encoder_params, architecture.decoder_params) == (encoder, decoder)
        assert encoder + decoder <= BUDGET
        shares.append(decoder / (encoder + decoder))
    return shares


def assert_balanced(shares):
    low, high = np.quantile(shares, [0.05, 0.95])
    assert abs(np.mean(shares) - 0.5) <= 0.05
    assert low <= 0.15
    assert high >= 0.85


@pytest.mark.parametrize(
    ("family", "shape"),
    essential_first([("conv2d", IMAGE), ("conv1d", SIGNAL)], 1),
    ids=["conv2d", "conv1d"],
)
def test_a_hundred_draws_favour_neither_side(family, shape):
    space = space_of(family, Problem(shape=shape, latent=16), budget=BUDGET)
    with torch.device("meta"):
        drawn = [built_sizes(space.sample(seed).architecture) for seed in range(100)]
    assert all(encoder + decoder <= BUDGET for encoder, decoder in drawn)
    assert_balanced([decoder / (encoder + decoder) for encoder, decoder in drawn])


@pytest.fixture(scope="module")
def workers():
    executor = local_processes(cores())
    yield executor
    executor.shutdown(cancel_futures=True)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("family", "problem"), CASES, ids=[label(*case) for case in CASES])
def test_thousands_of_draws_are_counted_rightly_fit_and_favour_neither_side(
    workers: Executor, family: str, problem: Problem
):
    own = [case for case in CASES if case[0] == family]
    seeds = range(0, -(-DRAWS.get(family, FEWER) // len(own)), CHUNK)
    chunks = [workers.submit(shares_of, family, problem, s, s + CHUNK) for s in seeds]
    shares = [share for chunk in chunks for share in chunk.result()]
    assert len(shares) * len(own) >= DRAWS.get(family, FEWER)
    assert_balanced(shares)

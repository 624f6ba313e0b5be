"""Random draws of every pair of families fill their budget and favour neither side."""

import itertools

import numpy as np
import pytest
from problems import space_of
from scipy.special import expit, logit

from asymnas.networks.families import FAMILIES, Problem
from asymnas.space.filling import FULL, MOST_RATIO, fill
from asymnas.space.space import Space
from asymnas.space.suggesters import Random

BUDGET = 20_000
PROBLEMS = [Problem(shape=(1, 8, 8), latent=16), Problem(shape=(2, 32), latent=16)]


def _pairs():
    cases = []
    for problem in PROBLEMS:
        names = [n for n in FAMILIES.names() if FAMILIES.get(n).unsupported_reason(problem) is None]
        for encoder, decoder in itertools.product(names, names):
            if problem != PROBLEMS[0] and "conv1d" not in (encoder, decoder):
                continue  # images have those pairs too
            name = "-".join([encoder, decoder, *map(str, problem.shape)])
            cases.append(pytest.param(encoder, decoder, problem, id=name))
    return cases


def drawn(space: Space, structures: int):
    """Shares asked for and made, in pairs that mirror each other, of random structures.

    Every architecture is checked to be within the budget, and to be counted as it is built.
    """
    asked, made = [], []
    odds = np.log(MOST_RATIO) * (np.arange(structures) + 0.5) / structures
    for seed, own in enumerate(odds):
        sides = space.suggest_structures(Random(seed))
        for share in expit([own, -own]):
            architecture = fill(space, sides, share)
            model = architecture.build()
            encoder, decoder = (
                sum(p.numel() for p in part.parameters()) for part in (model.encoder, model.decoder)
            )
            counts = [
                part.counts(side, 1.0).total_params
                for part, side in zip(
                    space.parts, (architecture.encoder, architecture.decoder), strict=True
                )
            ]
            assert counts == [encoder, decoder]
            assert FULL * BUDGET <= encoder + decoder <= BUDGET
            asked.append(share)
            made.append(decoder / (encoder + decoder))
    return np.array(asked), np.array(made)


def assert_even(asked, made):
    # A share asked for and its mirror image make up one: what is made must do so on average.
    assert abs(made.mean() - 0.5) <= 0.05
    assert abs((logit(made) - logit(asked)).mean()) <= 0.1
    assert np.quantile(made, 0.05) <= 0.15
    assert np.quantile(made, 0.95) >= 0.85


@pytest.mark.parametrize("problem", PROBLEMS, ids=["images", "signals"])
def test_a_few_draws_of_the_natural_family(problem):
    family, wide = {3: ("conv2d", False), 2: ("conv1d", True)}[len(problem.shape)]
    assert_even(*drawn(space_of(family, problem, budget=BUDGET, wide=wide), 10))


@pytest.mark.slow
@pytest.mark.essential
@pytest.mark.parametrize(("encoder", "decoder", "problem"), _pairs())
def test_draws_of_every_pair(encoder, decoder, problem):
    assert_even(*drawn(space_of(encoder, problem, decoder_family=decoder, budget=BUDGET), 20))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("wide", [False, True], ids=["usual", "wide"])
@pytest.mark.parametrize(("encoder", "decoder", "problem"), _pairs())
def test_hundreds_of_draws_of_every_pair(encoder, decoder, problem, wide):
    changes = {"decoder_family": decoder, "budget": BUDGET, "wide": wide}
    assert_even(*drawn(space_of(encoder, problem, **changes), 150))

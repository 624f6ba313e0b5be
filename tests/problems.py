"""Problems that every family is tried on, and architectures drawn for them."""

from collections import Counter
from functools import lru_cache
from typing import Any, get_args

import pytest

from asymnas.core.budget import Budget
from asymnas.core.config import Bottleneck
from asymnas.networks.architecture import Architecture
from asymnas.networks.families import FAMILIES, Problem
from asymnas.space.space import Space

SHAPES = ((1, 28, 28), (3, 27, 45), (1, 8, 8), (2, 5, 7), (64,), (7,), (2, 45))
EVERY = [
    Problem(shape=shape, latent=3, bottleneck=bottleneck)
    for shape in SHAPES
    for bottleneck in get_args(Bottleneck)
]
BUDGET = 40_000
RATES = (1e-3, 8e-3)


def space_of(family: str, problem: Problem, **changes: Any) -> Space:
    """A space of plain autoencoders of one family under `BUDGET`, or with changes."""
    caps = changes.pop("budget", BUDGET)
    budget = caps if isinstance(caps, Budget) else Budget(total_params=caps)
    settings = {"kind": "plain", "learning_rates": RATES, "decoder_family": family, **changes}
    return Space(encoder_family=family, problem=problem, budget=budget, **settings)


@lru_cache(maxsize=1000)
def drawn(family: str, problem: Problem, seed: int) -> Architecture:
    """A random architecture for a problem."""
    return space_of(family, problem).sample(seed).architecture


def label(family: str, problem: Problem) -> str:
    return "-".join([family, "x".join(map(str, problem.shape)), problem.bottleneck])


def _cases():
    """Every problem that each family serves.

    The first of a bottleneck is fast, CI runs the second too, and all others are slow.
    """
    cases, seen = [], Counter()
    for family in FAMILIES.names():
        for problem in EVERY:
            if FAMILIES.get(family).unsupported_reason(problem) is not None:
                continue
            place = seen[family, problem.bottleneck]
            seen[family, problem.bottleneck] += 1
            marks = ((), (pytest.mark.slow, pytest.mark.essential), (pytest.mark.slow,))
            name = label(family, problem)
            cases.append(pytest.param(family, problem, marks=marks[min(place, 2)], id=name))
    return cases


CASES = _cases()

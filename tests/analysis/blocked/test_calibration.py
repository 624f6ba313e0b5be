"""The benchmark of calibration, with few draws: intervals cover what they should."""

import numpy as np
import pytest
from calibration import SCENARIOS, own

#: Truths whose optimum no smooth curve can follow.
UNLIKE_ANY_CURVE = {"kink at the optimum"}
NAMES = sorted(SCENARIOS.keys() - UNLIKE_ANY_CURVE)


def rates(name, count):
    draws = [own(name, SCENARIOS[name], number) for number in range(count)]
    covered = {key: np.mean([draw[key] for draw in draws]) for key in ("contrasts", "cost")}
    return covered, sum(draw["wrong"] for draw in draws)


@pytest.mark.parametrize("name", ["structure × share", "null: sides alike"])
def test_a_few_draws_are_covered(name):
    covered, wrong = rates(name, 8)
    assert min(covered.values()) >= 0.7
    assert wrong <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_coverage_is_what_the_level_says(name):
    """Intervals of 85 % fail this in most of the truths."""
    covered, wrong = rates(name, 100)
    assert min(covered.values()) >= 0.88
    assert wrong <= 8

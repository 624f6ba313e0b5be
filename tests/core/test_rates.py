"""Rates fall with the size of a network, and their range with them."""

import pytest

from asymnas import StudyConfig
from asymnas.core.rates import at_size, usual_rates


@pytest.mark.parametrize(
    ("params", "rate"), [(100, 0.03), (20_000, 0.03), (80_000, 0.015), (2_000_000, 0.003)]
)
def test_a_rate_falls_with_the_root_of_the_parameters(params: int, rate: float) -> None:
    assert at_size(0.03, params) == pytest.approx(rate)


def test_the_usual_range_is_that_of_small_networks_up_to_180_000_parameters() -> None:
    assert {usual_rates(params) for params in (100, 20_000, 180_000)} == {(1e-3, 0.1)}
    assert usual_rates(2_000_000) == (3e-4, 0.03)


def test_rates_that_are_given_stand() -> None:
    assert StudyConfig(budget=2_000_000).rates() == (3e-4, 0.03)
    assert StudyConfig(budget=2_000_000, learning_rates=(0.01, 0.1)).rates() == (0.01, 0.1)

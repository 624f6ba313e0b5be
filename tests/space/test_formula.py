"""Parameters by formula, against modules that are built."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from asymnas.networks.counting import count_params, shapes_only
from asymnas.networks.families import FAMILIES, Problem
from asymnas.space.formula import Widths, derive, width_fields
from asymnas.space.suggesters import Random

PROBLEMS = (
    Problem(shape=(3, 9, 12), latent=5),
    Problem(shape=(2, 70), latent=5),
    Problem(shape=(1, 8, 8), latent=3, bottleneck="spatial"),
    Problem(shape=(2, 64), latent=3, bottleneck="pooled"),
    Problem(shape=(17,), latent=4),
)
CASES = [
    (name, side, problem)
    for problem in PROBLEMS
    for name in FAMILIES.names()
    for side in ("encoder", "decoder")
    if FAMILIES.get(name).unsupported_reason(problem) is None
]


def built(name: str, side: str, problem: Problem, config: Any) -> nn.Module:
    family = FAMILIES.get(name)
    with shapes_only():
        if side == "encoder":
            return family.build_encoder(config, problem, 6)
        return family.build_decoder(config, problem)


@given(st.sampled_from(CASES), st.integers(0, 10_000), st.floats(0.002, 0.1), st.data())
def test_a_formula_counts_what_is_built(case, seed, scale, data):
    name, side, problem = case
    family = FAMILIES.get(name)
    config = family.scale(family.suggest(Random(seed), side, problem), scale)
    widths = Widths(config, width_fields(family, config))
    formula = derive(widths, lambda config: built(name, side, problem, config))
    assert formula is not None
    count = len(widths.values)
    other = tuple(data.draw(st.lists(st.integers(2, 50), min_size=count, max_size=count)))
    assert formula.count(other) == count_params(built(name, side, problem, widths.replaced(other)))


@dataclass(frozen=True)
class Pair:
    """A side of two widths."""

    first: int = 8
    second: int = 12


class Product:
    """A family of one layer, whose size is given by a function of both widths."""

    def __init__(self, size: Any) -> None:
        self.size = size

    def scale(self, config: Pair, factor: float) -> Pair:
        return replace(
            config, first=round(config.first * factor), second=round(config.second * factor)
        )

    def build(self, config: Pair) -> nn.Module:
        return nn.Linear(self.size(config.first, config.second), 3)


@pytest.mark.parametrize(
    "size",
    [
        lambda first, second: first * second,
        lambda first, second: first + second,
        lambda first, second: max(1, first // 4),
        lambda first, second: first if first < 1000 else 1000,
        lambda first, second: {8: 3}.get(first, first),  # so that only the config itself differs
    ],
    ids=["product", "sum", "rounded", "capped", "exception"],
)
def test_layers_of_another_form_have_no_formula(size):
    family = Product(size)
    widths = Widths(Pair(), width_fields(family, Pair()))
    with torch.device("meta"):
        assert derive(widths, family.build) is None


def test_a_family_that_cannot_be_built_with_just_any_widths_has_no_formula():
    def build(config: Pair) -> nn.Module:
        if config.first > 100:
            raise ValueError("too wide")
        return nn.Linear(config.first, 3)

    assert derive(Widths(Pair(), ("first", "second")), build) is None


def test_the_next_structure_of_other_widths_is_not_built(monkeypatch):
    from asymnas.space.fit import SizedPart

    family = FAMILIES.get("dense")
    problem = Problem(shape=(29,), latent=4)
    part = SizedPart(name="encoder", family=family, problem=problem, kind="plain")
    structure = family.suggest(Random(3), "encoder", problem)
    part.counts(structure, 0.01)
    monkeypatch.setattr(type(family), "build_encoder", None)
    assert part.counts(structure, 0.02).total_params > part.counts(structure, 0.01).total_params

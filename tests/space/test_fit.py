"""Fitting one part to a budget, against a search of every scale."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asymnas.core.budget import Budget, Counts
from asymnas.networks.families import FAMILIES, Problem
from asymnas.space.fit import SizedPart, topped_up
from asymnas.space.suggesters import Random

IMAGE = Problem(shape=(1, 8, 8), latent=4)
FAMILY_NAMES = FAMILIES.names()


def part_of(family, side="encoder", **settings):
    entry = FAMILIES.get(family)
    part = SizedPart(name=side, family=entry, problem=IMAGE, kind="plain", **settings)
    return part, entry.suggest(Random(1), side, IMAGE)


@pytest.mark.parametrize("family", FAMILY_NAMES)
@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_the_widest_is_just_below_its_target(family, side):
    part, structure = part_of(family, side)
    least = part.counts(structure, 0.0).total_params
    for target in (least, least * 3, 5_000, 50_000):
        scale = part.widest(structure, target)
        assert least <= part.counts(structure, scale).total_params <= target
        close = part.counts(structure, scale).total_params >= 0.99 * target
        coarse = part.counts(structure, scale * 1.001).total_params > target
        assert close or coarse or target == least


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(FAMILY_NAMES),
    st.integers(0, 3000),
    st.floats(1.0, 30.0),
    st.floats(1.0, 30.0),
    st.integers(0, 100),
)
def test_the_widest_under_a_budget_is_admitted_and_next_to_what_is_not(
    family, taken, total_slack, own_slack, seed
):
    entry = FAMILIES.get(family)
    part, _ = part_of(family)
    structure = entry.suggest(Random(seed), "encoder", IMAGE)
    others = Counts(decoder_params=taken)
    least = part.counts(structure, 0.0).total_params
    budget = Budget(
        total_params=int((least + taken) * total_slack), encoder_params=int(least * own_slack)
    )
    scale = part.widest(structure, math.inf, budget, others)
    reached = part.counts(structure, scale)
    assert budget.admits(reached + others)
    room = min(budget.total_params - taken, budget.encoder_params)
    further = part.counts(structure, max(scale, 1e-3) * 1.001)
    assert reached.total_params >= 0.99 * room or not budget.admits(further + others)


def test_macs_bind_where_they_are_counted():
    part, structure = part_of("conv2d", count_macs=True)
    free = part.counts(structure, part.widest(structure, 20_000))
    budget = Budget(total_params=20_000, macs=free.encoder_macs // 3)
    held = part.counts(structure, part.widest(structure, math.inf, budget))
    assert 0.5 * budget.macs < held.encoder_macs <= budget.macs
    assert part_of("conv2d")[0].counts(structure, 0.01).encoder_macs == 0


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_mirrored_part_counts_both_sides(family):
    part, structure = part_of(family, mirrored=True)
    alone, _ = part_of(family)
    other, _ = part_of(family, "decoder")
    counts = part.counts(structure, 0.02)
    assert counts.encoder_params == alone.counts(structure, 0.02).encoder_params
    mirror = FAMILIES.get(family).mirror(structure)
    assert counts.decoder_params == other.counts(mirror, 0.02).decoder_params > 0


@pytest.mark.parametrize("family", ["conv2d", "dense", "transformer"])
def test_what_a_factor_leaves_of_a_total_is_used_up_unit_by_unit(family):
    problem = Problem(shape=(1, 8, 8), latent=8)
    parts = [
        SizedPart(name=side, family=FAMILIES.get(family), problem=problem, kind="plain")
        for side in ("encoder", "decoder")
    ]
    for seed in range(4):
        suggester = Random(seed)
        structures = [part.family.suggest(suggester, part.name, problem) for part in parts]
        scales = [part.widest(s, 6_000) for part, s in zip(parts, structures, strict=True)]
        sides = [
            part.family.scale(structure, 0.9 * scale)
            for part, structure, scale in zip(parts, structures, scales, strict=True)
        ]
        before = sum(p.counts(s, 1.0).total_params for p, s in zip(parts, sides, strict=True))
        wider = topped_up(parts, sides, 12_000)
        total = sum(p.counts(s, 1.0).total_params for p, s in zip(parts, wider, strict=True))
        left = 12_000 - total
        assert before < total <= 12_000
        steps = [
            part.counts(one, 1.0).total_params - part.counts(side, 1.0).total_params
            for part, side in zip(parts, wider, strict=True)
            for one in part.family.widened(side)
        ]
        assert left < min(steps) or left <= 0.005 * 12_000

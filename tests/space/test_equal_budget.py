"""Equal totals: whatever the structures, a budget is filled at the share asked for, or refused."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import drawn, label, space_of
from scipy.special import logit

from asymnas.networks.architecture import Architecture
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.families.dense import DenseSide
from asymnas.networks.kinds import KINDS, kind_of
from asymnas.space.equal_budget import FILLED, SHARE_SLACK, at_share, at_total
from asymnas.space.suggesters import Random

ROWS = ("dense", Problem(shape=(64,), latent=8))
IMAGES = ("conv2d", Problem(shape=(1, 8, 8), latent=8))
MAPS = ("conv2d", Problem(shape=(3, 27, 45), latent=4, bottleneck="spatial"))
FITTING = [(ROWS, 6_000), (ROWS, 150_000), (IMAGES, 200_000), (MAPS, 200_000), (MAPS, 10**6)]
OPTIONAL = ("outer", "hidden", "attention")  # widths of what only some sides have
every_problem = pytest.mark.parametrize(
    ("family", "problem"), [ROWS, IMAGES, MAPS], ids=[label(*p) for p in (ROWS, IMAGES, MAPS)]
)


def structures_of(space, seed):
    """Two structures drawn at random."""
    suggester = Random(seed)
    return [space.structure(part, suggester) for part in space.parts]


@pytest.mark.parametrize(
    ("case", "budget"), FITTING, ids=[f"{label(*case)}-{budget}" for case, budget in FITTING]
)
def test_a_budget_is_filled_at_the_share(case, budget):
    space = space_of(*case, budget=budget)
    found = 0
    for seed in range(6):
        structures = structures_of(space, seed)
        for share in (0.1, 0.35, 0.5, 0.9):
            architecture = at_share(space, structures, share)
            if architecture is None:
                continue
            found += 1
            counts = architecture.counts
            assert FILLED * budget <= counts.total_params <= budget
            assert counts.decoder_share == pytest.approx(share, abs=SHARE_SLACK)
            assert shape_of(architecture, "encoder") == outline(structures[0])
            assert shape_of(architecture, "decoder") == outline(structures[1])
    assert found >= 14  # of 24: some are too wide for a tenth of the budget, or too coarse


def outline(side):
    """What a structure keeps at every width."""
    return {
        name: len(value) if name in ("widths", "channels", "inner") else value
        for name, value in vars(side).items()
        if name not in OPTIONAL
    } | {name: bool(getattr(side, name, 0)) for name in OPTIONAL}


def shape_of(architecture, side):
    return outline(getattr(architecture, side))


@pytest.mark.parametrize(("case", "budget"), [(ROWS, 1_400), (MAPS, 900)])
def test_what_a_budget_cannot_hold_is_none(case, budget):
    space = space_of(*case, budget=budget)
    for seed in range(4):
        assert at_share(space, structures_of(space, seed), 0.97) is None


@settings(deadline=None, max_examples=40)
@given(
    st.integers(900, 5_000),
    st.floats(0.05, 0.95),
    st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 2)]),
)
def test_one_is_found_where_there_is_one_well_inside(budget, share, depths):
    """Against all pairs of widths, one by one."""
    problem = Problem(shape=(7,), latent=2)
    space = space_of("dense", problem, budget=budget)
    structures = [DenseSide(widths=(1024,) * depth) for depth in depths]
    architecture = at_share(space, structures, share)
    if architecture is not None:
        counts = architecture.counts
        assert FILLED * budget <= counts.total_params <= budget
        assert abs(counts.decoder_share - share) <= SHARE_SLACK
        return
    sizes = [
        [part.counts(structure, width / 1024).total_params for width in range(2, 600)]
        for part, structure in zip(space.parts, structures, strict=True)
    ]
    pairs = [
        (e, d)
        for d in sizes[1]
        for e in sizes[0]
        if 0.995 * budget <= e + d <= budget
        and abs(logit(d / (e + d)) - logit(share)) <= SHARE_SLACK / 2
    ]
    # Those left are of sides so coarse that the one decoder tried has no encoder to go with it.
    assert len(pairs) <= 3


@pytest.fixture
def coded():
    """The name of a kind whose bottleneck holds parameters."""
    with KINDS.temporary():

        @KINDS.register("coded")
        def make():
            return replace(
                kind_of("plain"),
                code_size=lambda latent: 2 * latent,
                bottleneck=lambda latent: torch.nn.Linear(2 * latent, latent),
            )

        yield "coded"


def test_what_serves_both_sides_is_within_the_total_and_not_in_the_share(coded):
    budget = 2_000
    space = space_of("dense", Problem(shape=(7,), latent=10), kind=coded, budget=budget)
    architecture = at_share(space, [DenseSide(widths=(1024,))] * 2, 0.3)
    assert architecture.counts.shared_params == 210
    assert FILLED * budget <= architecture.counts.total_params <= budget
    assert architecture.decoder_share == pytest.approx(0.3, abs=SHARE_SLACK)


@every_problem
def test_a_total_is_filled_with_the_same_structure(family, problem):
    for seed, total, filled in ((0, 60_000, 0.9), (1, 500_000, 0.95)):
        architecture = drawn(family, problem, seed)
        scaled = at_total(architecture, total)
        assert filled * total <= scaled.counts.total_params <= total
        for side in ("encoder", "decoder"):
            assert shape_of(scaled, side) == shape_of(architecture, side)
        assert ratios(scaled) == pytest.approx(ratios(architecture), rel=0.35, abs=0.05)
    assert at_total(scaled, scaled.counts.total_params) == scaled


def ratios(architecture):
    """Widths of all layers, the widest in either side being one."""
    name = "widths" if architecture.family == "dense" else "channels"
    widths = [*getattr(architecture.encoder, name), *getattr(architecture.decoder, name)]
    return [width / max(widths) for width in widths]


@every_problem
def test_no_wider_one_of_the_same_proportions_fits(family, problem):
    architecture = drawn(family, problem, 1)
    entry = FAMILIES.get(family)
    total = 80_000
    found = at_total(architecture, total).counts.total_params
    for factor in (0.05 * 1.2**step for step in range(25)):
        sides = [entry.scale(getattr(architecture, s), factor) for s in ("encoder", "decoder")]
        count = architecture.with_sides(*sides).counts.total_params
        assert count <= found or count > total


@every_problem
def test_a_mirror_stays_symmetric(family, problem):
    mirror = drawn(family, problem, 2).mirror()
    scaled = at_total(mirror, 90_000)
    assert scaled == scaled.mirror() != mirror


@every_problem
def test_a_total_below_the_narrowest_is_none(family, problem):
    architecture = drawn(family, problem, 0)
    entry = FAMILIES.get(family)
    narrowest = architecture.with_sides(
        entry.scale(architecture.encoder, 0.0), entry.scale(architecture.decoder, 0.0)
    )
    least = narrowest.counts.total_params
    assert at_total(architecture, least - 1) is None
    assert at_total(architecture, least) == narrowest


def test_what_has_no_width_stays_as_it_is():
    side = DenseSide(widths=())
    linear = Architecture(
        encoder_family="dense",
        decoder_family="dense",
        encoder=side,
        decoder=side,
        shape=(7,),
        latent=2,
    )
    total = linear.counts.total_params
    assert at_total(linear, 10 * total) == linear
    assert at_total(linear, total - 1) is None

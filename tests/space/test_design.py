"""A sweep's design: every structure at every share, everything fixed by the seed."""

import sys
from collections import Counter

import pytest
from problems import space_of
from scipy.special import logit

from asymnas.core.errors import BudgetError
from asymnas.networks.families import Problem
from asymnas.space.design import draw_blocks
from asymnas.space.equal_budget import FILLED, SHARE_SLACK

ROWS = Problem(shape=(64,), latent=8)
IMAGES = Problem(shape=(1, 8, 8), latent=8)
SHARES = (0.2, 1 / 3, 0.5, 2 / 3, 0.8)
GRID = (0.1, *SHARES, 0.9)


def dense(*budgets):
    return [space_of("dense", ROWS, budget=budget) for budget in budgets]


def drawn(spaces, structures=3, **options):
    return draw_blocks(spaces, SHARES, GRID, structures, **{"seed": 0, **options})


@pytest.fixture(scope="module")
def blocks():
    return drawn(dense(6_000, 20_000))


def test_every_structure_has_every_share_and_a_mirror(blocks):
    assert [block.budget for block in blocks] == [6_000] * 3 + [20_000] * 3
    assert [block.number for block in blocks] == list(range(6))
    for block in blocks:
        assert [cell.share for cell in block.cells] == list(SHARES)
        assert block.mirror.mirrored
        clusters = [cell.cluster for cell in (*block.cells, block.mirror)]
        assert len(set(clusters)) == len(clusters)
    everything = [cell.cluster for block in blocks for cell in (*block.cells, block.mirror)]
    assert len(set(everything)) == len(everything)


def test_every_cell_fills_its_budget_at_its_share(blocks):
    for block in blocks:
        for cell in block.cells:
            counts = cell.architecture.counts
            assert FILLED * cell.budget <= counts.total_params <= cell.budget
            assert logit(counts.decoder_share) == pytest.approx(logit(cell.share), abs=SHARE_SLACK)


def test_the_cells_of_a_block_differ_in_nothing_but_widths(blocks):
    for block in blocks:
        for side in ("encoder", "decoder"):
            configs = [getattr(cell.architecture, side) for cell in block.cells]
            assert {len(c.widths) for c in configs} == {block.drawn[f"{side}_depth"]}
            assert {c.activation for c in configs} == {block.drawn[f"{side}_activation"]}


def test_a_mirrored_pair_fills_the_budget_with_the_block_s_encoder(blocks):
    for block in blocks:
        pair = block.mirror.architecture
        assert pair == pair.mirror()
        assert FILLED * block.budget <= pair.counts.total_params <= block.budget
        assert len(pair.encoder.widths) == block.drawn["encoder_depth"]


def test_images_too():
    (block,) = drawn([space_of("conv2d", IMAGES, budget=60_000)], 1, seed=3)
    assert [cell.share for cell in block.cells] == list(SHARES)
    assert all(0.99 * 60_000 <= c.architecture.counts.total_params <= 60_000 for c in block.cells)


def test_a_share_that_hardly_any_structure_can_have_is_left_out_of_that_budget():
    blocks = draw_blocks(dense(900, 20_000), (0.03, *SHARES), (0.03, *GRID), 2, seed=0)
    small, large = blocks[0], blocks[-1]
    assert 0.03 not in small.shares
    assert set(small.shares) >= {1 / 3, 0.5, 2 / 3}
    assert 0.03 in large.shares


def test_shares_beyond_may_be_had(blocks):
    cells = [block.cell(0.9) for block in blocks]
    assert any(cell is not None for cell in cells)
    assert {cell.share for cell in cells if cell is not None} == {0.9}


def test_a_seed_fixes_the_design(blocks):
    again = drawn(dense(6_000, 20_000))
    assert [b.drawn for b in again] == [b.drawn for b in blocks]
    assert [c.architecture for b in again for c in b.cells] == [
        c.architecture for b in blocks for c in b.cells
    ]
    other = drawn(dense(6_000, 20_000), seed=1)
    assert sum(a.drawn == b.drawn for a, b in zip(blocks, other, strict=True)) <= 1


def test_more_structures_or_budgets_leave_the_others_as_they_are(blocks):
    grown = drawn(dense(6_000, 20_000, 50_000), 4)
    small = [block.drawn for block in grown if block.budget == 6_000]
    assert small[:3] == [block.drawn for block in blocks[:3]]
    assert len(grown) == 12


def test_structures_are_spread_evenly_and_none_comes_twice():
    blocks = drawn(dense(60_000), 24, seed=5)
    assert len({repr(block.drawn) for block in blocks}) == 24
    for name, options in dense(60_000)[0].choices().items():
        counts = Counter(block.drawn[name] for block in blocks)
        expected = 24 / len(options)
        for option in options:
            assert counts[option] == pytest.approx(expected, abs=max(3, 0.6 * expected))


@pytest.mark.slow
def test_the_work_per_structure_does_not_grow_with_their_number(monkeypatch):
    """In function calls, with networks that it takes no work to size."""
    space = dense(60_000)[0]
    network = space.sample(0).architecture
    monkeypatch.setattr("asymnas.space.design.at_share", lambda space, parts, share: network)
    monkeypatch.setattr("asymnas.space.design.mirrored_pair", lambda space, part: network)

    def calls(structures):
        counts = Counter()
        before = sys.getprofile()
        sys.setprofile(lambda frame, event, argument: counts.update([event]))
        try:
            blocks = drawn([space], structures)
        finally:
            sys.setprofile(before)
        assert len(blocks) == structures
        return counts["call"] + counts["c_call"]

    calls(10)  # what is computed once
    assert calls(300) < 2.3 * calls(150)


def test_progress_counts_the_blocks():
    seen = []
    drawn(dense(6_000), 2, observe=lambda *counts: seen.append(counts))
    assert seen == [(1, 2), (2, 2)]


def test_a_budget_whose_structures_cannot_have_the_compared_shares_is_refused(monkeypatch):
    monkeypatch.setattr("asymnas.space.design.SPARES", 50)
    with pytest.raises(BudgetError, match="hardly any dense architecture of 600") as caught:
        drawn(dense(600), 1)
    assert "raise the budget, narrow --share-range" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_more_structures_than_there_are_is_refused():
    tiny = [space_of("dense", Problem(shape=(2,), latent=1), budget=400)]
    with pytest.raises(BudgetError, match="fewer --structures"):
        drawn(tiny, 2_000)


def test_draws_that_come_to_one_structure_are_one_structure():
    """One hidden layer has no growth, so many draws of it are alike."""
    space = space_of("dense", Problem(shape=(64,), latent=8), budget=20_000)
    blocks = draw_blocks([space], (1 / 3, 0.5, 2 / 3), (1 / 3, 0.5, 2 / 3), 30, seed=0)
    networks = [block.cell(0.5).architecture for block in blocks]
    assert len({architecture.key() for architecture in networks}) == 30

"""A sweep's design: every cell filled, structures spread evenly, everything fixed by the seed."""

from collections import Counter
from itertools import product

import pytest
from problems import space_of

from asymnas.core.errors import BudgetError
from asymnas.networks.architecture import Architecture
from asymnas.networks.families import Problem
from asymnas.space.design import draw_cells
from asymnas.space.equal_budget import FILLED, SHARE_SLACK

ROWS = Problem(shape=(64,), latent=8)
SHARES = (0.1, 0.5, 0.9)


def dense(*budgets):
    return [space_of("dense", ROWS, budget=budget) for budget in budgets]


@pytest.fixture(scope="module")
def cells():
    return draw_cells(dense(6_000, 20_000), SHARES, 3, seed=0)


def test_cells_are_architectures_by_budgets_by_shares(cells):
    order = [(budget, share) for _, budget, share in product(range(3), (6_000, 20_000), SHARES)]
    assert [(cell.budget, cell.share) for cell in cells] == order
    assert [cell.cluster for cell in cells] == list(range(18))
    assert len({cell.architecture.key() for cell in cells}) == 18


def test_every_cell_fills_its_budget_at_its_share(cells):
    for cell in cells:
        counts = cell.architecture.counts
        assert FILLED * cell.budget <= counts.total_params <= cell.budget
        assert counts.decoder_share == pytest.approx(cell.share, abs=SHARE_SLACK)


def test_images_too():
    spaces = [space_of("conv2d", Problem(shape=(1, 8, 8), latent=8), budget=b) for b in (60_000,)]
    found = draw_cells(spaces, (0.2, 0.8), 2, seed=3)
    assert [cell.share for cell in found] == [0.2, 0.8] * 2
    assert all(0.99 * 60_000 <= c.architecture.counts.total_params <= 60_000 for c in found)


def test_what_was_drawn_is_the_architecture(cells):
    names = set(dense(6_000)[0].choices())
    for cell in cells:
        assert set(cell.drawn) == names
        for side in ("encoder", "decoder"):
            config = getattr(cell.architecture, side)
            assert len(config.widths) == cell.drawn[f"{side}_depth"]
            assert config.activation == cell.drawn[f"{side}_activation"]


def test_a_seed_fixes_the_design(cells):
    assert draw_cells(dense(6_000, 20_000), SHARES, 3, seed=0) == cells
    other = draw_cells(dense(6_000, 20_000), SHARES, 3, seed=1)
    assert [c.share for c in other] == [c.share for c in cells]
    assert sum(a.drawn == b.drawn for a, b in zip(cells, other, strict=True)) <= 2


def test_a_larger_budget_besides_leaves_the_cells_of_the_others(cells):
    grown = draw_cells(dense(6_000, 20_000, 50_000), SHARES, 3, seed=0)
    kept = [cell for cell in grown if cell.budget < 50_000]
    assert [c.architecture for c in kept] == [c.architecture for c in cells]
    assert len(grown) == 27


def test_structures_are_spread_evenly_over_the_shares():
    shares, architectures = (0.1, 0.3, 0.5, 0.7, 0.9), 24
    cells = draw_cells(dense(60_000), shares, architectures, seed=5)
    assert len(cells) == 120
    for name, options in dense(60_000)[0].choices().items():
        expected = architectures / len(options)
        for share in shares:
            drawn = Counter(cell.drawn[name] for cell in cells if cell.share == share)
            for option in options:
                assert drawn[option] == pytest.approx(expected, abs=max(3, 0.6 * expected))
        everywhere = Counter(cell.drawn[name] for cell in cells)
        for option in options:
            assert everywhere[option] == pytest.approx(5 * expected, rel=0.15)


def test_the_work_per_cell_does_not_grow_with_the_design(monkeypatch):
    calls = Counter()
    key = Architecture.key

    def counted(architecture):
        calls["key"] += 1
        return key(architecture)

    monkeypatch.setattr(Architecture, "key", counted)
    cells = draw_cells(dense(20_000), (0.3, 0.5, 0.7), 20, seed=0)
    assert len(cells) == 60
    assert calls["key"] <= 4 * 60  # and not every earlier cell's for each


def test_progress_counts_the_cells():
    seen = []
    draw_cells(dense(6_000), (0.3, 0.6), 2, seed=0, observe=lambda *counts: seen.append(counts))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("budget", "share", "words"),
    [
        (1_300, 0.95, "hardly any dense architecture of 1,300 parameters has 95% of them"),
        (1_300, 0.05, "hardly any dense architecture of 1,300 parameters has 5% of them"),
    ],
)
def test_a_share_that_no_architecture_can_have_is_refused(budget, share, words):
    with pytest.raises(BudgetError, match=words) as caught:
        draw_cells(dense(budget), (share,), 1, seed=0)
    assert "raise the budget, narrow --share-range" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_more_architectures_than_there_are_is_refused():
    tiny = [space_of("dense", Problem(shape=(2,), latent=1), budget=60)]
    with pytest.raises(BudgetError, match="fewer --architectures"):
        draw_cells(tiny, (0.5,), 1_000, seed=0)

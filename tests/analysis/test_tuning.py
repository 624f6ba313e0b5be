"""Structures, learning rates and their ratio chosen by short runs."""

import math

import numpy as np
import pandas as pd
import pytest

from asymnas.analysis.tuning import (
    FARTHEST,
    RATE_STEP,
    RATIO_STEP,
    Group,
    Point,
    RateGrid,
    best_structures,
    edge_rates,
    edge_share,
    grid_losses,
    margin,
    tuned_rates,
)
from asymnas.core import columns as t

BUDGET = 5_000
GRID = RateGrid(0.01, 3)
LOW, HALF, HIGH = (Group(0, share) for share in (0.2, 0.5, 0.8))


def tuned_by(loss, groups=(LOW, HALF, HIGH), grid=GRID):
    """Tunes to the end, round by round, with a made loss of group, rate and ratio."""
    losses = {group: {} for group in groups}
    rounds = []
    while missing := grid.missing(losses):
        rounds.append(missing)
        assert len(rounds) < 40
        for group, point in missing:
            assert point not in losses[group]  # nothing is run twice
            losses[group][point] = loss(group, *grid.rates(point))
    return losses, rounds


def bowl(best_rate, best_ratio):
    def loss(group, rate, ratio):
        odds = math.log(group.share / (1 - group.share))
        rates = math.log(rate / best_rate(odds)) ** 2 + 0.3 * math.log(ratio / best_ratio) ** 2
        return 0.1 * rates

    return loss


def table_of(losses, grid=GRID):
    rows = []
    for group, done in losses.items():
        for point, loss in done.items():
            rate, ratio = grid.rates(point)
            rows.append(
                {
                    t.TRIAL: len(rows),
                    t.PHASE: t.TUNING,
                    t.BUDGET: BUDGET,
                    t.STRUCTURE: group.structure,
                    t.TARGET_SHARE: group.share,
                    t.LEARNING_RATE: rate,
                    t.RATE_RATIO: ratio,
                    t.STATE: "complete" if math.isfinite(loss) else "failed",
                    t.VAL_LOSS: math.exp(loss) if math.isfinite(loss) else np.nan,
                }
            )
    return pd.DataFrame(rows)


@pytest.mark.parametrize("best", [1e-4, 0.01, 0.017, 0.5])
@pytest.mark.parametrize("ratio", [0.05, 1.0, 3.0, 40.0])
def test_a_grid_goes_on_until_the_best_is_inside(best, ratio):
    losses, _ = tuned_by(bowl(lambda odds: best, ratio))
    for done in losses.values():
        plain = {point.rate: loss for point, loss in done.items() if point.ratio == 0}
        lowest = min(plain, key=plain.get)
        assert {lowest - 1, lowest + 1} <= set(plain)
        nearest = min(done, key=done.get)
        beside = {point.ratio for point in done if point.rate == nearest.rate}
        assert {nearest.ratio - 1, nearest.ratio + 1} <= beside
    assert edge_rates(table_of(losses)) == {BUDGET: 0.0}


@pytest.mark.parametrize("first", [2, 3, 5])
def test_tuning_begins_with_so_many_rates_around_the_middle(first):
    _, rounds = tuned_by(bowl(lambda odds: 0.01, 1.0), (HALF,), RateGrid(0.01, first))
    rates = [point.rate for _, point in rounds[0]]
    assert len(rates) == first
    assert 0 in rates
    assert {point.ratio for _, point in rounds[0]} == {0}


def test_the_best_is_interpolated_and_smooth_in_the_share():
    losses, _ = tuned_by(bowl(lambda odds: 0.013 * math.exp(odds / 4), 2.5))
    rates = tuned_rates(losses, GRID)
    for share in (0.2, 0.3, 0.5, 0.65, 0.8):
        odds = math.log(share / (1 - share))
        rate, ratio = rates.at(share)
        assert rate == pytest.approx(0.013 * math.exp(odds / 4), rel=1e-6)
        assert ratio == pytest.approx(2.5, rel=1e-6)


def test_what_suits_one_group_alone_does_not_set_its_share_back():
    """A curve through three means would give the even split a ratio that suits no other."""

    def loss(group, rate, ratio):
        suits = 1.0 if group == HALF else 8.0
        return -5 + 0.1 * math.log(rate / 0.02) ** 2 + 0.1 * math.log(ratio / suits) ** 2

    losses, _ = tuned_by(loss)
    rates = tuned_rates(losses, GRID)
    ratios = [rates.at(group.share)[1] for group in (LOW, HALF, HIGH)]
    assert ratios == pytest.approx([8 ** (2 / 3)] * 3)


def test_beyond_the_shares_that_were_tuned_the_rate_is_that_of_the_last():
    losses, _ = tuned_by(bowl(lambda odds: 0.013 * math.exp(odds / 4), 2.5))
    rates = tuned_rates(losses, GRID)
    assert rates.at(0.95) == rates.at(0.8)
    assert rates.at(0.01) == rates.at(0.2)


def test_a_run_that_failed_is_worse_than_all_and_ends_a_grid():
    def loss(group, rate, ratio):
        return math.inf if rate > 0.03 else -math.log(rate)

    losses, _ = tuned_by(loss, (HALF,))
    rate, _ = tuned_rates(losses, GRID, 0).at(0.5)
    assert rate == pytest.approx(0.02)
    assert edge_rates(table_of(losses)) == {BUDGET: 0.0}


@pytest.mark.parametrize("broken", [math.inf, 0.0])
@pytest.mark.parametrize(("edge", "slower"), [(0.03, 1), (0.05, 0)])
def test_all_rates_are_halved_where_one_best_is_next_to_a_breakdown(broken, edge, slower):
    def loss(group, rate, ratio):
        if group == HIGH and rate / math.sqrt(ratio) > edge:  # the encoder's
            return broken
        return -5 + 0.1 * math.log(rate / 0.02) ** 2 + 0.1 * math.log(ratio) ** 2

    losses, _ = tuned_by(loss)
    assert margin(losses) == slower
    for group in (LOW, HALF, HIGH):
        rate, ratio = tuned_rates(losses, GRID).at(group.share)
        assert ratio == pytest.approx(1)
        assert rate == pytest.approx(0.02 / 2**slower)


def test_a_side_that_breaks_down_two_steps_away_is_no_reason():
    done = {Point(0, 0): -5.0, Point(1, -1): math.inf, Point(0, -1): -4.9, Point(0, 1): -4.9}
    assert margin({HALF: done}) == 0  # the encoder at four times its rate
    assert margin({HALF: done | {Point(0, 1): math.inf}}) == 1  # the decoder at twice


def test_a_worse_rate_is_no_breakdown():
    losses, _ = tuned_by(lambda group, rate, ratio: 0.5 * abs(math.log(rate / 0.01)))
    assert margin(losses) == 0


def test_a_best_at_the_last_of_the_grid_is_at_an_end():
    losses, _ = tuned_by(lambda group, rate, ratio: -math.log(rate), (LOW, HALF))
    assert max(point.rate for point in losses[HALF]) == FARTHEST
    table = table_of(losses)
    assert edge_rates(table) == {BUDGET: 1.0}
    assert edge_share(table) == 1.0


def test_nothing_that_completed_leaves_the_middle():
    losses, _ = tuned_by(lambda group, rate, ratio: math.inf, (HALF,))
    assert tuned_rates(losses, GRID).at(0.3) == pytest.approx((0.01, 1.0))
    assert tuned_rates({}, GRID).at(0.5) == pytest.approx((0.01, 1.0))


def test_a_table_gives_the_losses_by_group_and_point():
    losses, _ = tuned_by(bowl(lambda odds: 0.02, 3.0))
    table = table_of(losses)
    read = grid_losses(table, BUDGET, GRID)
    assert {group: set(done) for group, done in read.items()} == {
        group: set(done) for group, done in losses.items()
    }
    assert read[HALF][Point(0, 0)] == pytest.approx(losses[HALF][Point(0, 0)])
    assert grid_losses(table, BUDGET + 1, GRID) == {}
    running = table.assign(**{t.STATE: "running"})
    assert grid_losses(running, BUDGET, GRID) == {}


def test_rates_of_a_point_are_steps_from_the_middle():
    assert GRID.rates(Point(0, 0)) == (0.01, 1.0)
    assert GRID.rates(Point(2, -1)) == pytest.approx((0.01 * RATE_STEP**2, 1 / RATIO_STEP))


def screened(losses, budget=BUDGET, first=0):
    """Losses by structures and three shares; `None` if failed."""
    return pd.DataFrame(
        {
            t.PHASE: t.SCREENING,
            t.BUDGET: budget,
            t.STRUCTURE: first + number,
            t.TARGET_SHARE: share,
            t.STATE: "failed" if loss is None else "complete",
            t.VAL_LOSS: np.nan if loss is None else loss,
        }
        for number, row in enumerate(losses)
        for share, loss in zip((0.2, 0.5, 0.8), row, strict=True)
    )


def test_structures_are_ranked_by_their_mean_over_the_shares():
    one = screened([[1.0, 1.0, 1.0], [0.1, 2.0, 4.0], [0.5, 0.5, 0.5], [0.1, 0.1, None]])
    other = screened([[2.0, 2.0, 2.0], [1.0, 1.0, 1.0]], budget=9_000, first=4)
    ranked = best_structures(pd.concat([one, other]))
    assert ranked == {BUDGET: [2, 1, 0, 3], 9_000: [5, 4]}
    assert best_structures(one.assign(**{t.PHASE: t.MEASURE})) == {}


def unblocked(best):
    """Tuning runs of a version before: an architecture of its own at each share, three rates."""
    return pd.DataFrame(
        {
            t.PHASE: t.TUNING,
            t.BUDGET: BUDGET,
            t.CLUSTER: number,
            t.LEARNING_RATE: rate,
            t.STATE: "complete",
            t.VAL_LOSS: 1.0 if place == lowest else 2.0,
        }
        for number, lowest in enumerate(best)
        for place, rate in enumerate((0.001, 0.004, 0.016))
    )


def test_a_sweep_of_a_version_before_says_how_many_are_at_the_ends():
    assert edge_rates(unblocked([1, 1, 2, 0])) == {BUDGET: 0.5}
    assert edge_share(unblocked([1, 1])) == 0.0


def test_nothing_tuned_says_nothing():
    empty = pd.DataFrame({t.PHASE: [t.MEASURE], t.BUDGET: [BUDGET], t.LEARNING_RATE: [0.1]})
    assert edge_rates(empty) == {}
    assert edge_share(empty) is None

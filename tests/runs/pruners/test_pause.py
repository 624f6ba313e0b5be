"""Pausing: expected gains against a numerical integral, and what becomes of the trials."""

from dataclasses import replace

import moocore
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from asymnas.runs.pruners import PRUNERS, Progress
from asymnas.runs.pruners.pause import LEAST_SPREAD, Pause, _Front, _Line

RUNG, LAST_RUNG = 1000, 4000
pause = Pause()


def complete(loss, *costs, early=None):
    """A complete trial; its loss at the first rung is twice the last unless it is given."""
    curve = ((RUNG, 2 * loss if early is None else early), (LAST_RUNG, loss))
    return Progress(curve=curve, costs=costs, complete=True)


def at(loss, *costs):
    return Progress(curve=((RUNG, loss),), costs=costs)


PEERS = [complete(0.1 * 0.8**n, 1000.0 * 2**n) for n in range(6)]


def added(front, corner, point):
    """The volume that a point adds, by the definition."""
    if len(corner) == 1:
        return max(0.0, min(front[:, 0].min(), corner[0]) - point[0])
    points = np.vstack([front, point])
    return moocore.hypervolume(points, ref=corner) - moocore.hypervolume(front, ref=corner)


@pytest.mark.parametrize("costs", [0, 1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_the_expected_gain_is_that_of_a_numerical_integral(costs, seed):
    random = np.random.default_rng(seed)
    points = random.uniform(size=(12, 1 + costs))
    front, corner = _Front(points, 0.5), points.max(axis=0) + 0.5
    for own in (random.uniform(size=costs) for _ in range(3)):
        middle, spread = random.uniform(-0.5, 1.0), 0.2

        def weighted(loss, own=own, middle=middle, spread=spread):
            gain = added(points, corner, np.array([loss, *own]))
            return gain * norm.pdf(loss, middle, spread)

        expected, _ = quad(
            weighted, middle - 8 * spread, corner[0], points=[*np.sort(points[:, 0])], limit=200
        )
        gain, chance = front.expected(own, middle, spread)
        assert gain == pytest.approx(expected, abs=1e-6)
        draws = random.normal(middle, spread, 2000)
        joined = [added(points, corner, np.array([loss, *own])) > 0 for loss in draws]
        assert chance == pytest.approx(np.mean(joined), abs=0.05)


def test_the_mean_gain_is_that_of_the_last_complete_trials_in_their_order():
    points = np.log([[0.1, 100.0], [0.05, 200.0], [0.2, 400.0]])
    front, corner = _Front(points, 1.0), points.max(axis=0) + 1.0
    volumes = [moocore.hypervolume(points[:n], ref=corner) for n in (1, 2, 3)]
    assert front.mean_gain == pytest.approx(volumes[-1] / 3)
    many = np.log([[0.1 / n, 100.0 * n] for n in range(1, 41)])
    corner = many.max(axis=0) + 1.0
    last = moocore.hypervolume(many, ref=corner) - moocore.hypervolume(many[:20], ref=corner)
    assert _Front(many, 1.0).mean_gain == pytest.approx(last / 20)


def test_final_losses_are_predicted_by_a_line_of_logarithms():
    peers = [complete(0.5 * early**1.5, 1.0, early=early) for early in (0.1, 0.2, 0.3, 0.5)]
    line = _Line(RUNG, peers)
    assert np.exp(line.final(np.log(0.4))) == pytest.approx(0.5 * 0.4**1.5)
    assert line.spread == LEAST_SPREAD
    level = _Line(RUNG, [complete(loss, 1.0, early=0.2) for loss in (0.1, 0.4)])
    assert np.exp(level.final(np.log(0.7))) == pytest.approx(0.2)  # nothing tells them apart


def test_all_go_on_until_five_are_complete():
    hopeless = at(99.0, 64_000.0)
    assert pause.worth([hopeless], PEERS[:4]) == [1.0]
    assert pause.worth([hopeless], [*PEERS[:4], at(0.1, 500.0)]) == [1.0]
    assert pause.worth([hopeless], PEERS[:5]) == [0.0]


def test_what_would_better_the_front_goes_on_and_what_cannot_join_it_ends():
    better, worse, smallest = at(0.05, 8_000.0), at(0.9, 8_000.0), at(0.3, 100.0)
    worth = pause.worth([better, worse, smallest], PEERS)
    assert worth[0] > 1
    assert worth[1] == 0
    assert worth[2] > 1
    assert [pause(trial, PEERS) for trial in (better, worse, smallest)] == [False, True, False]


def test_the_better_of_two_of_one_size_is_worth_more():
    worth = pause.worth([at(loss, 8_000.0) for loss in np.linspace(0.02, 0.2, 20)], PEERS)
    assert worth == sorted(worth, reverse=True)
    assert len(set(worth)) > 5


def test_a_small_chance_waits_and_a_smaller_one_ends():
    known = replace(PEERS[3], curve=((RUNG, 0.2), (LAST_RUNG, PEERS[3].curve[-1][1])))
    peers = [*PEERS[:3], known, *PEERS[4:]]  # a line with a spread
    worth = pause.worth([at(0.1 * f, 8_000.0) for f in np.linspace(1, 4, 60)], peers)
    waiting = [value for value in worth if 0 < value < 1]
    assert waiting
    assert worth == [
        *sorted((w for w in worth if w > 0), reverse=True),
        *(w for w in worth if not w),
    ]
    bolder = Pause(least_chance=0.4).worth([at(0.1 * f, 8_000.0) for f in (1, 2, 4)], peers)
    assert sum(value > 0 for value in bolder) <= sum(
        value > 0 for value in worth[:: len(worth) // 3]
    )


def test_losses_and_counts_of_zero_are_no_error():
    peers = [complete(0.0, 0.0), *PEERS]
    assert all(np.isfinite(pause.worth([at(0.0, 0.0), at(0.1, 0.0), at(0.0, 9.0)], peers)))


def test_one_objective_is_judged_by_its_improvement():
    peers = [complete(0.1 * 0.8**n) for n in range(6)]
    assert pause.worth([at(0.02), at(5.0)], peers)[1] == 0
    assert pause.worth([at(0.02)], peers)[0] > 1


def test_it_is_registered():
    assert PRUNERS.get("pause") == Pause()

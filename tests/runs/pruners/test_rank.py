"""Pruning: what holds of every pruner, and of the rank of non-dominated sorting."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymnas.runs.pruners import PRUNERS, Progress

RUNG, NEXT = 1000, 2000
rank = PRUNERS.get("rank")
every_pruner = pytest.mark.parametrize("name", PRUNERS.names())

# Few distinct values, so that ties happen often.
points = st.integers(1, 3).flatmap(
    lambda n: st.lists(st.tuples(*[st.integers(0, 6).map(float)] * n), min_size=1, max_size=15)
)


def at(rung, loss, *costs):
    """A trial whose curve ends at a rung."""
    earlier = ((rung // 2, loss + 1),) if rung > 1 else ()
    return Progress(curve=(*earlier, (rung, loss)), costs=costs)


def trials_of(values, rung=RUNG):
    return [at(rung, *value) for value in values]


def dominated(point, others):
    return any(
        other != point and all(a <= b for a, b in zip(other, point, strict=True))
        for other in others
    )


def naive_ranks(values):
    """Front by front, by the definition."""
    ranks, left, level = {}, set(values), 0
    while left:
        front = {p for p in left if not dominated(p, left)}
        ranks |= dict.fromkeys(front, level)
        left, level = left - front, level + 1
    return [ranks[p] for p in values]


@given(points)
def test_rank_against_a_naive_oracle(values):
    trial, *peers = trials_of(values)
    if len(values) < 3 or not dominated(values[0], values):
        assert not rank(trial, peers)
        return
    held_against = values
    if len(values[0]) > 1:
        away = [abs(math.log(max(v[1], 1) / max(values[0][1], 1))) for v in values]
        farthest = sorted(away)[min(8, len(values)) - 1]
        pairs = zip(values, away, strict=True)
        held_against = [(v[0], *v[2:]) for v, far in pairs if far <= farthest + 1e-12]
    ranks = naive_ranks(held_against)
    above = sum(r < ranks[0] for r in ranks)
    assert rank(trial, peers) == (above >= len(held_against) / 3)


def test_large_candidates_are_pruned_no_oftener_than_small_ones():
    """At an early rung losses hardly depend on size yet; sizes are spread over a factor of 100."""
    rng = np.random.default_rng(0)
    pruned: dict[str, list[bool]] = {"small": [], "large": []}
    for _ in range(40):
        sizes = np.exp(rng.uniform(np.log(200), np.log(20_000), 60))
        losses = np.exp(rng.normal(0, 0.3, 60)) * sizes**-0.05
        trials = trials_of(list(zip(losses.tolist(), sizes.tolist(), strict=True)))
        for i, trial in enumerate(trials):
            third = np.searchsorted(np.quantile(sizes, [1 / 3, 2 / 3]), sizes[i])
            if third != 1:
                pruned["small" if third == 0 else "large"].append(
                    rank(trial, trials[:i] + trials[i + 1 :])
                )
    small, large = np.mean(pruned["small"]), np.mean(pruned["large"])
    assert large == pytest.approx(small, abs=0.1)
    assert 0.4 < small < 0.7


@given(points)
def test_the_first_front_of_a_rung_is_never_pruned(values):
    trials = trials_of(values)
    for i, trial in enumerate(trials):
        if not dominated(values[i], values):
            assert not rank(trial, trials[:i] + trials[i + 1 :])


@every_pruner
@given(values=points, random=st.randoms(use_true_random=False))
def test_the_order_of_peers_does_not_matter(name, values, random):
    trial, *peers = trials_of(values)
    decision = PRUNERS.get(name)(trial, peers)
    random.shuffle(peers)
    assert PRUNERS.get(name)(trial, tuple(peers)) == decision


@every_pruner
@given(values=points, strangers=points)
def test_peers_that_have_not_reached_the_rung_do_not_count(name, values, strangers):
    trial, *peers = trials_of(values)
    width = len(values[0])
    early = [at(RUNG // 4, *(s * width)[:width]) for s in strangers]
    unstarted = [Progress(curve=(), costs=trial.costs)]
    assert PRUNERS.get(name)(trial, peers + early + unstarted) == PRUNERS.get(name)(trial, peers)


@given(points)
def test_a_peer_counts_with_its_loss_at_the_rung_not_with_its_last(values):
    trial, *peers = trials_of(values)
    further = [
        Progress(curve=(*p.curve, (NEXT, -1.0 - i)), costs=p.costs) for i, p in enumerate(peers)
    ]
    assert rank(trial, further) == rank(trial, peers)


def test_a_clearly_dominated_trial_among_many_is_pruned():
    peers = trials_of([(0.1 + 0.01 * i, 1000.0 - 10 * i) for i in range(20)])
    assert rank(at(RUNG, 0.9, 2000.0), peers)
    assert not rank(at(RUNG, 0.09, 2000.0), peers)  # the best loss
    assert not rank(at(RUNG, 0.9, 10.0), peers)  # the smallest


def test_a_third_of_the_best_go_on_with_a_single_objective():
    trials = trials_of([(0.1 * i,) for i in range(9)])
    kept = [not rank(t, trials[:i] + trials[i + 1 :]) for i, t in enumerate(trials)]
    assert kept == [True] * 3 + [False] * 6


def test_of_two_none_is_pruned():
    assert not rank(at(RUNG, 9.0, 9.0), [])
    assert not rank(at(RUNG, 9.0, 9.0), trials_of([(1.0, 1.0)]))
    assert not rank(at(RUNG, 9.0, 9.0), [*trials_of([(1.0, 1.0)]), at(RUNG // 4, 1.0, 1.0)])
    assert rank(at(RUNG, 9.0, 9.0), trials_of([(1.0, 1.0)] * 2))


def test_none_never_prunes():
    assert not PRUNERS.get("none")(at(RUNG, 9.0, 9.0), trials_of([(1.0, 1.0)] * 9))


def test_loss_at_a_rung_is_there_once_it_was_reached():
    trial = Progress(curve=((10, 0.5), (20, 0.25)))
    assert (trial.loss_at(10), trial.loss_at(20), trial.loss_at(30)) == (0.5, 0.25, None)


def measured_at(rung, loss, *others):
    """A trial with measured objectives at its last rung, and others at an earlier one."""
    return Progress(
        curve=((rung // 2, loss + 1), (rung, loss)), others=((9.0,) * len(others), others)
    )


@given(points)
def test_measured_objectives_alone_are_ranked_by_the_naive_oracle(values):
    own, *others = [measured_at(RUNG, *value) for value in values]
    ranks = naive_ranks(values)
    above = sum(r < ranks[0] for r in ranks)
    expected = len(values) >= 3 and above > 0 and above >= len(values) / 3
    assert rank(own, others) == expected


def test_the_fast_end_of_the_front_survives_a_measured_objective():
    peers = [measured_at(RUNG, 0.1 + 0.01 * i, 10.0 - 0.1 * i) for i in range(20)]
    slow_and_bad, fast_and_bad = measured_at(RUNG, 0.9, 11.0), measured_at(RUNG, 0.9, 1.0)
    assert rank(slow_and_bad, peers)
    assert not rank(fast_and_bad, peers)


def test_what_was_not_measured_is_not_pruned_and_counts_for_nobody():
    peers = [measured_at(RUNG, 0.1 + 0.01 * i, 10.0) for i in range(9)]
    assert rank(measured_at(RUNG, 0.9, 11.0), peers)
    assert not rank(measured_at(RUNG, 0.9, float("nan")), peers)
    unknown = [measured_at(RUNG, 0.1, float("nan"))] * 9
    assert not rank(measured_at(RUNG, 0.9, 11.0), unknown)

"""Pruning: what holds of every pruner, and of the rank of non-dominated sorting."""

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
    ranks = naive_ranks(values)
    above = sum(r < ranks[0] for r in ranks)
    expected = len(values) >= 3 and above > 0 and above >= len(values) / 3
    assert rank(trial, peers) == expected


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

"""Successive halving on the loss alone; what holds of every pruner is in test_rank."""

from hypothesis import given
from hypothesis import strategies as st

from asymnas.runs.pruners import PRUNERS, Progress

asha = PRUNERS.get("asha")


def at(loss, rung=1000):
    return Progress(curve=((rung // 2, 9.0), (rung, loss)))


@given(st.lists(st.integers(0, 6).map(float), min_size=1, max_size=15))
def test_the_best_third_goes_on(losses):
    trial, *peers = [at(loss) for loss in losses]
    better = sum(loss < losses[0] for loss in losses)
    expected = len(losses) >= 3 and better >= len(losses) / 3
    assert asha(trial, peers) == expected


def test_of_nine_the_best_three_go_on():
    trials = [at(0.1 * i) for i in range(9)]
    kept = [not asha(t, trials[:i] + trials[i + 1 :]) for i, t in enumerate(trials)]
    assert kept == [True] * 3 + [False] * 6


def test_sizes_do_not_count():
    peers = [Progress(curve=((10, 0.1),), costs=(1000.0,))] * 3
    assert asha(Progress(curve=((10, 0.2),), costs=(1.0,)), peers)

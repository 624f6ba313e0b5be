"""A search that ends when its last trials were not worth their time."""

import math
from dataclasses import replace

import pytest

from asymnas import StudyConfig
from asymnas.analysis.gain import LEAST_GAIN, gains_of
from asymnas.core import columns as t
from asymnas.core.errors import ConfigError
from asymnas.runs.plan import plan_search
from asymnas.training.rung import Job, RungResult

from .conftest import executed
from .made_results import Made

pytestmark = pytest.mark.usefixtures("in_memory")


def falling(best: float, until: int) -> Made:
    """Each trial is a tenth better than the one before it, up to one; then none is better."""
    numbers: dict[int, int] = {}

    def answer(job: Job) -> RungResult:
        number = numbers.setdefault(job.seed, len(numbers))
        return RungResult(metrics={t.VAL_LOSS: best * 0.9 ** min(number, until)}, seconds=1.0)

    return Made(answer)


def search(small: StudyConfig, **changes: object) -> StudyConfig:
    settings = {"trials": 30, "pruner": "none", "metrics": (), "patience": 6}
    return replace(small, **{**settings, **changes})


@pytest.mark.parametrize("objectives", [("val_loss",), ("val_loss", "total_params")])
def test_ends_when_the_last_trials_gained_too_little_and_goes_on_without(
    small: StudyConfig, objectives: tuple[str, ...]
) -> None:
    config = search(small, objectives=objectives)
    executor = falling(0.05, until=12)
    run, ending = executed(plan_search(config), executor)
    assert ending == "patience"
    count = len(run.own)
    assert 12 + 6 <= count < 30
    gained = gains_of(run.table, run.objectives, {"val_loss": 1.0, "total_params": 6_000})
    last = gained.of_last(6)
    assert last is not None
    assert last < LEAST_GAIN
    assert not (run.own[t.STATE] == "running").any()
    again, ending = executed(plan_search(config), executor)
    assert (ending, len(again.own)) == ("patience", count)
    more, ending = executed(plan_search(replace(config, patience=None)), executor)
    assert (ending, len(more.own)) == ("finished", 30)


def test_a_search_that_gains_is_not_ended(small: StudyConfig) -> None:
    run, ending = executed(plan_search(search(small)), falling(0.05, until=100))
    assert (ending, len(run.own)) == ("finished", 30)


def test_what_is_in_training_is_finished(small: StudyConfig) -> None:
    config = search(small, workers=3)
    run, ending = executed(plan_search(config), falling(0.05, until=0))
    assert ending == "patience"
    assert set(run.own[t.STATE]) == {"complete"}


def test_objectives_without_a_fixed_level_are_refused(small: StudyConfig) -> None:
    with pytest.raises(ConfigError, match=r"patience .* val_loss, decoder_macs; leave it out"):
        plan_search(search(small, objectives=("val_loss", "decoder_macs")))
    plan_search(search(small, objectives=("val_loss", "decoder_macs"), patience=None))


def test_gain_is_infinite_until_each_budget_has_a_result(small: StudyConfig) -> None:
    run, _ = executed(plan_search(search(small, trials=4, patience=None)), falling(0.05, until=0))
    assert gains_of(run.table, run.objectives, {}).of_last(4) == math.inf

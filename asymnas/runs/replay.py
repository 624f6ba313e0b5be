"""Training the recorded trials of a search again, to see whether they come out the same.

Training does not depend on where a trial was interrupted, so each trial is one job: from fresh
weights to the last rung that it reached. Nothing is written to the run.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from typing import Any

import pandas as pd

from asymnas.core import columns as t
from asymnas.core.config import StudyConfig
from asymnas.core.errors import StudyError
from asymnas.core.provenance import setup
from asymnas.data.base import load_dataset
from asymnas.networks.architecture import Architecture
from asymnas.runs.run import Run
from asymnas.runs.seeds import trial_seed
from asymnas.runs.study import check_data
from asymnas.training.rung import Job, rung_steps, train_rung


@dataclass(frozen=True)
class Replayed:
    """A trial that was trained again.

    Args:
        trial: Its number.
        examples: Training examples seen.
        loss: The validation loss that the study holds.
        again: The one that it has now; `None` if it could not be trained.
        failure: Why not.
    """

    trial: int
    examples: int
    loss: float
    again: float | None
    failure: str = ""

    @property
    def equal(self) -> bool:
        """Whether both losses are the same, to the last bit."""
        return self.loss == self.again


def recorded(run: Run) -> pd.DataFrame:
    """The trials of a search that have seen a rung and failed not: those that can be compared.

    Raises:
        StudyError: The run is no search, or holds none.
    """
    if run.study.purpose != "search":
        raise StudyError(
            f"{run.directory} is a {run.study.purpose}: a search is what can be replayed"
        )
    own = run.own[run.own[t.STATE].isin(["complete", "pruned"])]
    if own.empty:
        raise StudyError(f"{run.directory} holds no finished trial to replay")
    return own.sort_values(t.TRIAL)


def unlike(run: Run) -> Mapping[str, tuple[Any, Any]]:
    """What differs between the set-up of a run and this one, by name: then and now.

    Losses may differ in their last digits for it.
    """
    then, now = run.study.setup, setup()
    return {
        name: (then[name], now[name]) for name in now if name in then and then[name] != now[name]
    }


def replay(run: Run, config: StudyConfig, executor: Executor) -> Iterator[Replayed]:
    """Trains the recorded trials of a search again.

    Args:
        run: The search.
        config: Its configuration, with the machine to train on.
        executor: Where to train.

    Yields:
        Each trial when it is done, in no order.

    Raises:
        StudyError: The run is no search or holds no finished trial, or its data changed.
        DataError: The data are gone.
    """
    trials = recorded(run)
    check_data(run.study, load_dataset(config.data()))
    total = rung_steps(config.examples or 0, config.batch_size)[-1]
    jobs = {}
    for row in trials.to_dict("records"):
        job = Job(
            architecture=Architecture.from_dict(row[t.ARCHITECTURE]),
            data=config.data(),
            learning_rate=row[t.LEARNING_RATE],
            rate_ratio=row[t.RATE_RATIO],
            batch_size=config.batch_size,
            seed=trial_seed(config.seed, row[t.TRIAL]),
            until=row[t.EXAMPLES] // config.batch_size,
            total=total,
            device=config.device,
            precision=config.precision,
        )
        jobs[executor.submit(train_rung, job)] = row
    for future in as_completed(jobs):
        row = jobs[future]
        known = (row[t.TRIAL], row[t.EXAMPLES], row[t.VAL_LOSS])
        try:
            result = future.result()
        except Exception as error:  # whatever a candidate breaks: it is one more difference
            yield Replayed(*known, None, f"{type(error).__name__}: {error}".splitlines()[0])
            continue
        yield Replayed(*known, result.metrics.get(t.VAL_LOSS), result.failure)

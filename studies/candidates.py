"""Tables of candidates that are drawn at random and trained to the end.

    python studies/run.py candidates_digits --minutes 55

The law of the draws is the search space's own: each structural choice uniform, the ratio of the
sides' parameters, the learning rate and the ratio of the sides' rates log-uniform, every candidate
as large as the budget admits. Nothing is pruned. Candidate n is the same whenever it is drawn, so
that a table can be continued to any length. Every fourth candidate is trained with three seeds, the
others with the first of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, overload

import numpy as np

from asymnas import StudyConfig
from asymnas.core import columns as t
from asymnas.runs.phases import ListedRun, Phase
from asymnas.runs.plan import SearchPlan, plan_search
from asymnas.runs.study import FIXED, SearchStudy
from asymnas.space.filling import SIZE_RATIO, suggest_filled
from asymnas.space.space import Candidate, Space
from asymnas.space.suggesters import Random, Recorded

SEEDS = 3
SEVERAL_SEEDS_EVERY = 4  # one candidate in so many
CANDIDATE_COUNT = 1_000
#: Measured after each rung besides the loss that is trained, the mean squared error.
METRICS = ("mae", "psnr")


def study(dataset: str, family: str, budget: int) -> StudyConfig:
    """A table of one data set and budget, through 16 latent numbers.

    Args:
        dataset: What is trained on.
        family: Of both sides.
        budget: Total parameters.
    """
    return StudyConfig(
        dataset=dataset,
        family=family,
        latent=16,
        budget=budget,
        examples=60_000,
        precision="fp32",  # the same on every machine that runs a chunk
        metrics=METRICS,
        sampler="random",
        pruner="none",
        enqueue=(),
    )


#: In the order in which they are run.
CANDIDATES = {
    "candidates_digits": study("digits", "conv2d", 20_000),
    "candidates_fashion_mnist": study("fashion-mnist", "conv2d", 40_000),
    "candidates_signals": study("signals", "conv1d", 20_000),
}


def draw_candidate(space: Space, seed: int, number: int) -> tuple[Candidate, dict[str, Any]]:
    """The candidate of a number, the same whenever it is drawn, and the values drawn for it."""
    state = int(np.random.SeedSequence((seed, 3, number)).generate_state(1)[0])
    recorded = Recorded(Random(state))
    return suggest_filled(space, recorded), recorded.drawn


class CandidateRuns(Sequence[ListedRun]):
    """The training runs of a table, each drawn when it is asked for.

    Args:
        space: What is drawn from.
        seed: Fixes the draws.
        candidates: How many.
    """

    def __init__(self, space: Space, seed: int, candidates: int) -> None:
        self._drawn = lru_cache(maxsize=SEEDS)(lambda n: draw_candidate(space, seed, n))
        self._places = [
            (number, replicate)
            for number in range(candidates)
            for replicate in range(1 if number % SEVERAL_SEEDS_EVERY else SEEDS)
        ]

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> ListedRun: ...
    @overload
    def __getitem__(self, index: slice) -> list[ListedRun]: ...
    def __getitem__(self, index: int | slice) -> ListedRun | list[ListedRun]:
        """A run, or some."""
        if isinstance(index, slice):
            return [self._run(*place) for place in self._places[index]]
        return self._run(*self._places[index])

    def _run(self, number: int, replicate: int) -> ListedRun:
        candidate, drawn = self._drawn(number)
        ratio = drawn[SIZE_RATIO]
        return ListedRun(
            architecture=candidate.architecture,
            learning_rate=candidate.learning_rate,
            rate_ratio=candidate.rate_ratio,
            replicate=replicate,
            labels={t.CLUSTER: number},
            choices={**drawn, "decoder_share": ratio / (1 + ratio)},
        )


@dataclass(frozen=True, kw_only=True)
class CandidatesPlan(SearchPlan):
    """A search whose candidates are drawn beforehand, so that some can be trained again."""

    @property
    def design(self) -> Mapping[str, Any]:
        """How many seeds, and of which candidates."""
        return {"seeds": SEEDS, "several seeds every": SEVERAL_SEEDS_EVERY}

    def phases(self, study: SearchStudy, /) -> Iterator[Phase]:
        """One phase, all runs."""
        yield Phase(
            config=self.config,
            space=self.space,
            runs=CandidateRuns(self.space, self.config.seed, CANDIDATE_COUNT),
            name="candidates",
            every_rung=METRICS,
        )


def plan_candidates(
    name: str, run_dir: Path, timeout: float | None, workers: int | None = None
) -> CandidatesPlan:
    """The runs of a table.

    Args:
        name: Which table.
        run_dir: Where the run is kept.
        timeout: Seconds after which it pauses.
        workers: Networks that train at once; by default one per core. Each has one thread, and
            its time is processor time.
    """
    study = CANDIDATES[name]
    config = replace(study, name=name, run_dir=str(run_dir), timeout=timeout, workers=workers)
    made = plan_search(config)
    runs = CandidateRuns(made.space, config.seed, CANDIDATE_COUNT)
    return CandidatesPlan(
        config=replace(made.config, sampler=FIXED, trials=len(runs)),
        space=made.space,
        data=made.data,
    )

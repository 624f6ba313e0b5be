"""Rates per side from a candidate to the trial table, across interruptions and duplicates."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from asymnas import StudyConfig
from asymnas.core import columns as t
from asymnas.runs.coordinator import Coordinator
from asymnas.runs.phases import ListedRun, Phase
from asymnas.runs.plan import plan_search
from asymnas.runs.run import Run
from asymnas.runs.study import open_study
from asymnas.runs.trials import ActiveTrial, TrialStore

from .made_results import Made

pytestmark = pytest.mark.usefixtures("in_memory")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    learning_rate: float = 1e-2
    rate_ratio: float = 1.0


def test_a_listed_run_keeps_its_ratio_over_an_interruption(small: StudyConfig) -> None:
    plan = plan_search(replace(small, trials=1, sampler="random", pruner="none"))
    listed = ListedRun(
        architecture=plan.space.sample(0).architecture,
        learning_rate=1e-2,
        rate_ratio=2.0,
        replicate=0,
        labels={t.PHASE: t.MEASURE, t.STRUCTURE: 3, t.WAVE: 1},
    )
    phase = Phase(config=plan.config, space=plan.space, runs=(listed,))
    study = open_study(plan)
    for executor in (Made(stop_at=1), Made()):
        Coordinator(phase, study, executor, lambda snapshot: None).run()
        assert {job.rate_ratio for job in executor.jobs} == {2.0}
    study.close()
    run = Run(study, Path(plan.config.run_dir))
    assert run.table.loc[0, [t.RATE_RATIO, t.STRUCTURE, t.WAVE]].tolist() == [2.0, 3, 1]
    assert run.best.rate_ratio == 2.0


@pytest.mark.parametrize(
    ("first", "second", "duplicate"),
    [
        (Candidate(rate_ratio=2.0), Candidate(rate_ratio=2.3), True),
        (Candidate(rate_ratio=2.0), Candidate(rate_ratio=0.5), False),
        (Candidate(), Candidate(rate_ratio=1.5), False),
        (Candidate(rate_ratio=3.0), Candidate(learning_rate=1.5e-2, rate_ratio=3.0), False),
    ],
)
def test_a_duplicate_has_about_the_same_ratio_too(
    small: StudyConfig, first: Candidate, second: Candidate, duplicate: bool
) -> None:
    plan = plan_search(small)
    study = open_study(plan)
    store = TrialStore(study, wanted=2)
    architecture = plan.space.sample(0).architecture
    trained = []
    for candidate in (first, second):
        draft = study.draft("random", 0, parallel=False)
        plan.space.suggest(draft.trial)
        active = ActiveTrial(
            number=draft.number,
            architecture=architecture,
            learning_rate=candidate.learning_rate,
            rate_ratio=candidate.rate_ratio,
            seed=0,
        )
        study.add(draft, active.attributes)
        trained.append(store.begin(active, repeats=False))
    study.close()
    assert trained == [True, not duplicate]

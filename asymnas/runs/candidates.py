"""The candidates of a phase as trials: new ones, those an earlier start left, and a control."""

from collections.abc import Sequence
from pathlib import Path

from asymnas.core import columns as t
from asymnas.core.errors import StudyError
from asymnas.networks.architecture import Architecture
from asymnas.runs.phases import LABELS, ListedRun, Phase
from asymnas.runs.seeds import replicate_seed, trial_seed
from asymnas.runs.study import Draft, SearchStudy, ask_fixed, candidate_of
from asymnas.runs.trials import ActiveTrial
from asymnas.space.space import Candidate
from asymnas.space.suggesters import Random

CONTROLS = 8  # candidates of which the cheapest is the control


class Candidates:
    """What a phase trains, drawn or from its list, written to the study as it is taken up.

    Args:
        phase: What to train.
        study: Where trials live.
    """

    def __init__(self, phase: Phase, study: SearchStudy) -> None:
        self._phase, self._config, self._study = phase, phase.config, study

    def new(self, *, parallel: bool, paused: int) -> ActiveTrial:
        """A new trial: the next of the list, or one that the sampler draws.

        Args:
            parallel: Whether other trials have begun and not ended.
            paused: How many of those wait.
        """
        phase, config = self._phase, self._config
        if phase.runs is None:
            return self._drawn(
                self._study.draft(
                    config.sampler,
                    config.seed,
                    parallel=parallel,
                    paused=paused,
                    presets=phase.presets,
                    source_of=phase.source_of,
                )
            )
        number = self._study.next_number()
        run = phase.runs[number]
        active = ActiveTrial(
            number=number,
            architecture=run.architecture,
            learning_rate=run.learning_rate,
            rate_ratio=run.rate_ratio,
            seed=replicate_seed(config.seed, run.replicate),
            labels={**run.labels, t.REPLICATE: run.replicate},
        )
        ask_fixed(self._study, active.attributes, run.choices, phase.draw)
        return active

    def unfinished(self) -> list[ActiveTrial]:
        """The trials of this phase that an earlier start left running."""
        runs, running = self._phase.runs, self._study.running()
        return [self._stored(n) for n in running if runs is None or n < len(runs)]

    def control(self) -> ActiveTrial:
        """What a sound worker can train: the cheapest of a few candidates; it is no trial."""
        phase = self._phase
        some: Sequence[Candidate | ListedRun] = (
            [phase.candidate(number, Random(number)) for number in range(CONTROLS)]
            if phase.runs is None
            else phase.runs[:CONTROLS]
        )
        cheapest = min(some, key=lambda candidate: candidate.architecture.counts.total_macs)
        return ActiveTrial(
            number=-1, architecture=cheapest.architecture, learning_rate=1e-3, seed=0
        )

    def _drawn(self, draft: Draft) -> ActiveTrial:
        """A trial with what the space makes of its draws, written to the study."""
        sized_from = draft.beginning.attributes.get(t.SIZED_FROM)
        candidate = self._phase.candidate(draft.number, draft.trial, sized_from=sized_from)
        active = ActiveTrial(
            number=draft.number,
            architecture=candidate.architecture,
            learning_rate=candidate.learning_rate,
            rate_ratio=candidate.rate_ratio,
            seed=trial_seed(self._config.seed, draft.number),
            labels=self._phase.labels(draft.number, sized_from=sized_from),
        )
        active.number = self._study.add(draft, active.attributes)
        return active

    def _stored(self, number: int) -> ActiveTrial:
        """A trial with the candidate that is stored with it."""
        values = candidate_of(self._study, number)
        if t.ARCHITECTURE not in values or t.LEARNING_RATE not in values:
            return self._cut_off(number)
        seed, replicate = self._config.seed, values.get(t.REPLICATE)
        return ActiveTrial(
            number=number,
            architecture=Architecture.from_dict(values[t.ARCHITECTURE]),
            learning_rate=float(values[t.LEARNING_RATE]),
            rate_ratio=float(values.get(t.RATE_RATIO, 1.0)),
            seed=(
                trial_seed(seed, number)
                if replicate is None
                else replicate_seed(seed, int(replicate))
            ),
            labels={name: values[name] for name in LABELS if name in values},
        )

    def _cut_off(self, number: int) -> ActiveTrial:
        """A trial that was cut off before its candidate was stored.

        One that is queued can be, and one of an earlier version.
        """
        if self._phase.runs is None:
            config = self._config
            return self._drawn(self._study.draft_again(number, config.sampler, config.seed))
        raise StudyError(
            f"trial {number} was cut off by an earlier version before its architecture "
            "was stored: continue the run with that version, write its results by "
            f"python -m asymnas.report {Path(self._config.run_dir)}, or start over with --fresh"
        )

"""Drawing a trial in memory: a study holds none before its candidate is known.

Optuna writes each draw as it is made. A process killed in between leaves a trial of which a part is
known, and each write takes a commit. Here a sampler draws from a view of the study that has one
trial more, which is written once, with all that is known of it.
"""

import copy
from bisect import bisect_left
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from asymnas.runs.study.storage import quiet


@dataclass(frozen=True)
class Beginning:
    """What a trial is before it is drawn.

    Args:
        number: Its number.
        attributes: User attributes.
        fixed: Values that are not drawn, by name.
        stored: Whether the study has it already: a queued one, or one of an earlier version that
            was cut off while it was drawn.
    """

    number: int
    attributes: Mapping[str, Any]
    fixed: Mapping[str, Any]
    stored: bool = False

    @classmethod
    def of(cls, trial: FrozenTrial) -> "Beginning":
        """A trial that the study has: what it has drawn, or is to draw, stays as it is."""
        fixed = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
        return cls(trial.number, trial.user_attrs, fixed, stored=True)


class View(InMemoryStorage):
    """The storage of one study as it is, or with other values, and of one trial more.

    Args:
        storage: Where the study is stored; what belongs to the study as a whole is read from it.
        study_id: The study's id there.
        trials: Its trials as a sampler is to see them, by number; they are not copied.
        beginning: The trial to draw.

    Attributes:
        own_id: The trial's id here.
        noted: What a sampler noted of the study; it is not stored yet.
    """

    def __init__(
        self,
        storage: BaseStorage,
        study_id: int,
        trials: Sequence[FrozenTrial],
        beginning: Beginning,
    ) -> None:
        super().__init__()
        self._storage, self._real_id, self._beginning = storage, study_id, beginning
        place = bisect_left(trials, beginning.number, key=attrgetter("number"))
        own = place < len(trials) and trials[place].number == beginning.number
        self._before, self._after = trials[:place], trials[place + own :]
        self.own_id, self.noted = -1, dict[str, Any]()

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """The trial to draw, whatever the template: it is the only one that is made here."""
        begun = self._beginning
        trial = FrozenTrial(
            number=begun.number,
            state=TrialState.RUNNING,
            value=None,
            datetime_start=datetime.now(),
            datetime_complete=None,
            params={},
            distributions={},
            user_attrs=dict(begun.attributes),
            system_attrs={"fixed_params": dict(begun.fixed)} if begun.fixed else {},
            intermediate_values={},
            trial_id=-1,
        )
        self.own_id = super().create_new_trial(study_id, trial)
        self.get_trial(self.own_id).number = begun.number
        return self.own_id

    def get_trial_number_from_id(self, trial_id: int) -> int:
        """The number that the trial has in the study."""
        return self._beginning.number

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """The trials in these states, by number."""
        own = [] if self.own_id < 0 else [self.get_trial(self.own_id)]
        trials = [*self._before, *own, *self._after]
        chosen = [trial for trial in trials if states is None or trial.state in states]
        return copy.deepcopy(chosen) if deepcopy else chosen

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Those of the study."""
        return self._storage.get_study_user_attrs(self._real_id)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Those of the study, and what this draw has noted."""
        return {**self._storage.get_study_system_attrs(self._real_id), **self.noted}

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Notes what a sampler remembers from draw to draw."""
        self.noted[key] = value


@dataclass(frozen=True)
class Draft:
    """A trial that is being drawn.

    Args:
        trial: Asks the sampler for values by name.
        view: Where it is drawn.
        beginning: What it was before.
    """

    trial: Trial
    view: View
    beginning: Beginning

    @classmethod
    def of(
        cls,
        beginning: Beginning,
        storage: BaseStorage,
        study_id: int,
        study: optuna.Study,
        trials: Sequence[FrozenTrial],
        sampler: BaseSampler,
    ) -> "Draft":
        """Begins a draft.

        Args:
            beginning: What the trial is before it is drawn.
            storage: Where the study is stored.
            study_id: The study's id there.
            study: The study.
            trials: Its trials as the sampler is to see them, by number.
            sampler: Draws.
        """
        view = View(storage, study_id, trials, beginning)
        with quiet():
            own = optuna.create_study(
                storage=view,
                study_name=study.study_name,
                directions=study.directions,
                sampler=sampler,
                pruner=study.pruner,
            )
            return cls(own.ask(), view, beginning)

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.beginning.number

    def as_trial(self, attributes: Mapping[str, Any]) -> FrozenTrial:
        """The trial as it was drawn, with more user attributes."""
        drawn = copy.copy(self.view.get_trial(self.view.own_id))
        drawn.user_attrs = {**drawn.user_attrs, **attributes}
        return drawn

    def rewrite(self, storage: BaseStorage, trial_id: int, attributes: Mapping[str, Any]) -> None:
        """Writes what was drawn to a trial that is stored already."""
        drawn = self.as_trial(attributes)
        for name, distribution in drawn.distributions.items():
            value = distribution.to_internal_repr(drawn.params[name])
            storage.set_trial_param(trial_id, name, value, distribution)
        for key, value in drawn.system_attrs.items():
            storage.set_trial_system_attr(trial_id, key, value)
        for key, value in drawn.user_attrs.items():
            storage.set_trial_user_attr(trial_id, key, value)

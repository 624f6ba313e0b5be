"""The trials of a study in the memory of the one process that writes them.

Optuna reads every unfinished trial anew before each draw. With as many in training as a cluster has
workers, that takes longer than the draw. The process that holds the study's lease need not: it has
written what there is. It reads a trial when it takes it up or ends it, and before each draw those
that another process has queued meanwhile.
"""

from collections.abc import Sequence
from copy import copy

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

UNFINISHED = (TrialState.RUNNING, TrialState.WAITING)


class WrittenTrials:
    """All trials of a study, by number.

    Args:
        storage: Where they are stored; it reads trials of some states without reading all.
        study_id: The study's id there.
    """

    def __init__(self, storage: BaseStorage, study_id: int) -> None:
        self._storage, self._study_id = storage, study_id
        self._trials: list[FrozenTrial] = []
        self._ids: dict[int, int] = {}
        self._read_all()

    @property
    def trials(self) -> Sequence[FrozenTrial]:
        """All of them; what running ones have come to since they were taken up may be missing."""
        return self._trials

    def queued(self) -> FrozenTrial | None:
        """The first trial that waits, whichever process queued it."""
        waiting = self._read((TrialState.WAITING,))
        return waiting[0] if waiting else None

    def read_unfinished(self) -> Sequence[FrozenTrial]:
        """All of them, the unfinished as they are stored now."""
        numbers = {trial.number for trial in self._read(UNFINISHED)}
        known = [trial.number for trial in self._trials if not trial.state.is_finished()]
        if not numbers.issuperset(known):  # another process has finished one
            self._read_all()
        return self._trials

    def id_of(self, number: int) -> int:
        """The id of a trial in the storage."""
        if number not in self._ids:
            found = self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
            self._ids[number] = found
        return self._ids[number]

    def read(self, number: int) -> FrozenTrial:
        """A trial as it is stored now."""
        trial = self._storage.get_trial(self.id_of(number))
        self._put(trial)
        return trial

    def add(self, trial: FrozenTrial) -> int:
        """Adds a trial with all that it has, in one transaction, and returns its number."""
        trial_id, known = self._storage.create_new_trial(self._study_id, trial), copy(trial)
        known.number = len(self._trials)
        if self.id_of(known.number) != trial_id:  # another process has added some before
            del self._ids[known.number]
            known.number = self._storage.get_trial_number_from_id(trial_id)
        self._put(known)
        return known.number

    def start(self, number: int) -> FrozenTrial:
        """Starts a trial that is queued, and returns it."""
        self._storage.set_trial_state_values(self.id_of(number), TrialState.RUNNING)
        return self.read(number)

    def _put(self, trial: FrozenTrial) -> None:
        """Takes in a trial that was added or has changed."""
        if trial.number < len(self._trials):
            self._trials[trial.number] = trial
        elif trial.number == len(self._trials):
            self._trials.append(trial)
        else:  # another process has added some before
            self._read_all()

    def _read(self, states: tuple[TrialState, ...]) -> list[FrozenTrial]:
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False, states=states)
        for trial in trials:
            self._put(trial)
        return trials

    def _read_all(self) -> None:
        self._trials = self._storage.get_all_trials(self._study_id, deepcopy=False)

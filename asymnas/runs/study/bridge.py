"""One Optuna study seen as asymnas sees it: ask, remember, tell, lay out as a table."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, get_args

import optuna
import pandas as pd
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from asymnas.analysis.front import Objective
from asymnas.core import columns as t
from asymnas.core.checksums import CHECKSUM, checked, with_checksum
from asymnas.core.errors import DamageError, StudyError
from asymnas.core.files import made_folder
from asymnas.core.side_families import with_side_families
from asymnas.core.urls import public_url
from asymnas.runs.study.callbacks import Callback, Callbacks
from asymnas.runs.study.draft import Beginning, Draft
from asymnas.runs.study.lease import Lease
from asymnas.runs.study.rows import DETAILS, OPTUNA_STATES, TrialTable, trial_checksum
from asymnas.runs.study.samplers import LEARNING, OF_COMPLETE, Draw, make_sampler
from asymnas.runs.study.shown import ShownTrials, budget_of
from asymnas.runs.study.storage import readable
from asymnas.runs.study.waiting import Waiting
from asymnas.runs.study.written import WrittenTrials

if TYPE_CHECKING:
    import plotly.graph_objects as go

Purpose = Literal["search", "sweep", "confirmation"]

# Attributes of the study.
OURS = "asymnas:"  # what each begins with
CONFIG = "asymnas:config"
SETUP = "asymnas:setup"
OBJECTIVES = "asymnas:objectives"
PINNED = "asymnas:pinned"
WALL_SECONDS = "asymnas:wall_seconds"
PURPOSE = "asymnas:purpose"
DESIGN = "asymnas:design"
REFERENCE = "reference"  # in the design: a level by objective, where a hypervolume begins
DATA = "asymnas:data"  # the fingerprint of the data set

MOST_REPEATED = 10  # trials in a row that repeat others, before one is drawn at random

#: What the attributes with a checksum hold, in words.
_WORDS = {
    CONFIG: "configuration",
    SETUP: "set-up",
    PINNED: "pinned settings",
    DESIGN: "design",
    DATA: "data's fingerprint",
    WALL_SECONDS: "time",
}
_NONE: Mapping[str, Mapping[str, Any]] = {}
#: Attributes of their own, which the dashboard shows one by one.
_SHOWN = (
    t.ARCHITECTURE,
    t.BUDGET,
    t.SIZED_FROM,
    t.TOTAL_PARAMS,
    t.ENCODER_PARAMS,
    t.DECODER_PARAMS,
    t.DECODER_SHARE,
    t.ENCODER_WIDTHS,
    t.DECODER_WIDTHS,
)


class SearchStudy:
    """One study: asks, remembers, tells, and lays itself out as a table.

    Args:
        study: The Optuna study, with the attributes that `open_study` writes.
        storage: Where it is stored; needed to write only.
        lease: The right to write, if this process holds it.
        fold: Makes what was written one plain file; called when the study is closed.

    Raises:
        StudyError: asymnas did not make the study.
    """

    def __init__(
        self,
        study: optuna.Study,
        storage: BaseStorage | None = None,
        lease: Lease | None = None,
        fold: Callable[[], None] | None = None,
    ) -> None:
        if OBJECTIVES not in study.user_attrs:
            raise StudyError(
                f"the study {study.study_name!r} was not made by asymnas: use another name"
            )
        self.optuna = study
        self.objectives = _objectives(study)
        self._backend = storage
        self._lease = lease
        self._fold = fold
        self._call_back: Callable[[FrozenTrial], None] = lambda trial: None
        self._table = TrialTable([o.name for o in self.objectives])
        self._shown: dict[str, ShownTrials] = {}  # by the sampler that is shown them

    @property
    def config(self) -> dict[str, Any]:
        """The configuration of the last start, as `StudyConfig.to_dict` wrote it.

        The password of its storage URL is hidden.
        """
        values = self._stored(CONFIG)
        return {**with_side_families(values), "storage": public_url(values.get("storage", ""))}

    @property
    def setup(self) -> dict[str, Any]:
        """Versions, hardware and source revision, written when the study was opened."""
        return self._stored(SETUP)

    @cached_property
    def purpose(self) -> Purpose:
        """What the run is for; it never changes, so the storage is read once."""
        purpose: Purpose = self.optuna.user_attrs.get(PURPOSE, "search")
        if purpose not in get_args(Purpose):
            raise DamageError(f"the purpose of {self._named} is damaged: it is {purpose!r}")
        return purpose

    @property
    def design(self) -> dict[str, Any]:
        """What a sweep or a confirmation was started with besides the configuration."""
        return self._stored(DESIGN) if DESIGN in self.optuna.user_attrs else {}

    @property
    def data(self) -> dict[str, Any] | None:
        """The fingerprint of the data set; `None` in studies of asymnas 0.1."""
        return self._stored(DATA) if DATA in self.optuna.user_attrs else None

    @property
    def pinned(self) -> dict[str, Any] | None:
        """What a continued run must share with its start; `None` in studies of other programs."""
        return self._stored(PINNED) if PINNED in self.optuna.user_attrs else None

    @property
    def wall_seconds(self) -> float:
        """Time that all starts of the run took together, those that were killed left out."""
        stored = self.optuna.user_attrs.get(WALL_SECONDS, 0.0)
        if not isinstance(stored, Mapping):  # of earlier versions
            return float(stored)
        return float(self._stored(WALL_SECONDS)["seconds"])

    def add_seconds(self, seconds: float) -> None:
        """Adds the time of a start."""
        total = {"seconds": self.wall_seconds + seconds}
        self.optuna.set_user_attr(WALL_SECONDS, with_checksum(total))

    @property
    def lease(self) -> Lease:
        """The right to write here.

        Raises:
            StudyError: The study was opened to read only.
        """
        if self._lease is None:
            raise StudyError("this study was opened to read only")
        return self._lease

    def stop_waiting(self, stopping: Callable[[], bool]) -> None:
        """Has a wait for a server that went away end when the run is to stop.

        Args:
            stopping: Whether it is, asked every tenth of a second.
        """
        if isinstance(self._backend, Waiting):
            self._backend.stopping = stopping

    def close(self) -> None:
        """Ends writing: another process may continue the study. It can still be read."""
        try:
            if self._fold is not None:
                self._fold()
        finally:
            self.lease.release()

    def draft(
        self,
        sampler: Any,
        seed: int,
        *,
        parallel: bool,
        paused: int = 0,
        presets: Mapping[str, Mapping[str, Any]] = _NONE,
        source_of: Callable[[int], int | None] = lambda number: None,
    ) -> Draft:
        """The next trial, to be drawn in memory and then written by `add`.

        Its draws follow from the seed, its number and the trials before it. A trial that is queued
        comes first, then presets, each once and in this order, then trials that are all drawn but
        for those that repeat the draws of the best.

        Args:
            sampler: A sampler's name, or a sampler.
            seed: The study's.
            parallel: Whether other trials are running.
            paused: How many of those wait for others to begin.
            presets: Draws by preset.
            source_of: The budget whose best trial so far is to be repeated, by a trial's number;
                `None` for a trial that is drawn.
        """
        waiting, trials = self._written.queued(), self._written.trials
        origins = partial(map, lambda trial: trial.user_attrs.get(t.PRESET), trials)
        preset = next((name for name in presets if name not in origins()), None)
        if waiting is not None:
            beginning = Beginning.of(self.start(waiting.number))
        elif preset is not None:
            beginning = Beginning(len(trials), {t.PRESET: preset}, presets[preset])
        elif (best := self._best_of(source_of(len(trials)))) is not None:
            beginning = Beginning(len(trials), {t.SIZED_FROM: best.number}, best.params)
        else:
            beginning = Beginning(len(trials), {}, {})
        return self._draft(beginning, sampler, seed, parallel=parallel, paused=paused)

    def _best_of(self, budget: int | None) -> FrozenTrial | None:
        """The best complete trial that fills a budget, by the only objective."""
        if budget is None:
            return None
        complete = (n for n in self._written.trials if n.state == TrialState.COMPLETE)
        own = [trial for trial in complete if budget_of(trial) == budget]
        sign = -1 if self.objectives[0].maximize else 1
        return min(own, key=lambda trial: sign * trial.values[0], default=None)

    def draft_again(self, number: int, sampler: Any, seed: int) -> Draft:
        """A running trial of which no candidate is known; what it has drawn stays as it is."""
        trials = self._written.read_unfinished()
        parallel = sum(trial.state == TrialState.RUNNING for trial in trials) > 1
        return self._draft(Beginning.of(trials[number]), sampler, seed, parallel=parallel)

    def _draft(
        self, beginning: Beginning, sampler: Any, seed: int, *, parallel: bool, paused: int = 0
    ) -> Draft:
        named = isinstance(sampler, str)  # others may look at what running trials have come to
        trials = self._written.trials if named else self._written.read_unfinished()
        seen: Sequence[FrozenTrial] = [n for n in trials if n.state != TrialState.WAITING]
        if named and sampler in LEARNING:
            seen = self._shown_to(sampler).of(seen)
        draw = Draw(
            seed=seed,
            number=beginning.number,
            completed=sum(trial.state == TrialState.COMPLETE for trial in seen),
            parallel=parallel,
            paused=paused,
        )
        own = make_sampler(sampler, draw) if named else sampler
        self.optuna.sampler = own  # takes the trial in when it is finished
        if _is_stuck(trials):
            own = make_sampler("random", draw)
        return Draft.of(beginning, self.storage, self._study_id, self.optuna, seen, own)

    def add(self, draft: Draft, attributes: Mapping[str, Any]) -> int:
        """Writes a trial that was drawn, as running, in one transaction.

        Args:
            draft: The trial.
            attributes: What is known of its candidate before it trains.

        Returns:
            Its number, which is that of the draft unless another process has queued one meanwhile.
        """
        known = self.as_attributes(attributes)
        for key, value in draft.view.noted.items():
            self.storage.set_study_system_attr(self._study_id, key, value)
        if not draft.beginning.stored:
            return self.add_running(draft.as_trial(known))
        draft.rewrite(self.storage, self._written.id_of(draft.number), known)
        self._written.read(draft.number)
        return draft.number

    def add_running(self, trial: FrozenTrial) -> int:
        """Adds a running trial with all that it has, in one transaction, and returns its number."""
        return self._written.add(trial)

    def start(self, number: int) -> FrozenTrial:
        """Starts a trial that is queued, and returns it."""
        return self._written.start(number)

    def queued(self) -> int | None:
        """The number of the first trial that is queued, by whichever process."""
        waiting = self._written.queued()
        return None if waiting is None else waiting.number

    def next_number(self) -> int:
        """The number of the trial that is taken up next: a queued one, or a new one."""
        queued = self.queued()
        return len(self._written.trials) if queued is None else queued

    def running(self) -> list[int]:
        """Numbers of the trials that a stopped or killed run left running."""
        trials = self._written.read_unfinished()
        return [trial.number for trial in trials if trial.state == TrialState.RUNNING]

    @staticmethod
    def as_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
        """What is known of a candidate as the few attributes of a trial that hold it."""
        shown = {name: attributes[name] for name in _SHOWN if name in attributes}
        details = {name: value for name, value in attributes.items() if name not in shown}
        return {**shown, DETAILS: details}

    def remember(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Stores attributes of a running trial."""
        for name, value in attributes.items():
            self.storage.set_trial_user_attr(self._written.id_of(number), name, value)
        if t.DUPLICATE_OF in attributes:  # by which a search sees that its sampler is stuck
            self._written.read(number)

    def report(self, number: int, examples: int, loss: float) -> None:
        """Stores a loss of a running trial where Optuna's tools look for it.

        They have no place for it where the loss is not the one objective.
        """
        if [o.name for o in self.objectives] == [t.VAL_LOSS]:
            self.storage.set_trial_intermediate_value(self._written.id_of(number), examples, loss)

    def recall(self, number: int) -> dict[str, Any]:
        """The attributes of a trial."""
        return dict(self.storage.get_trial(self._written.id_of(number)).user_attrs)

    def tell(self, number: int, state: t.State, row: Mapping[str, Any]) -> None:
        """Finishes a trial; a complete one takes its objectives' values from `row`.

        As `optuna.Study.tell` does, which reads the trial three times.
        """
        trial_id, ending = self._written.id_of(number), OPTUNA_STATES[state]
        trial = self.storage.get_trial(trial_id)
        values = [float(row[o.name]) for o in self.objectives] if state == "complete" else None
        self.storage.set_trial_system_attr(
            trial_id, CHECKSUM, trial_checksum(trial, ending, values)
        )
        if state == "pruned":
            values = self._last_value(trial)
        self.optuna.sampler.after_trial(self.optuna, trial, ending, values)
        self.storage.set_trial_state_values(trial_id, ending, values)
        self._call_back(self._written.read(number))

    def _last_value(self, trial: FrozenTrial) -> list[float] | None:
        """The value of a pruned trial: the last that was reported."""
        last = trial.last_step
        if last is None or len(self.objectives) > 1 or math.isnan(trial.intermediate_values[last]):
            return None
        return [trial.intermediate_values[last]]

    def call_back(self, callbacks: Sequence[Callback]) -> Callbacks:
        """Has callbacks called with each trial that finishes from now on."""
        called = Callbacks(callbacks, self.optuna.study_name, self.storage)
        self._call_back = called
        return called

    def attach(self, number: int, file: Path, folder: Path) -> None:
        """Uploads a file as an artifact of a running trial, which the dashboard shows."""
        made_folder(folder)
        optuna.artifacts.upload_artifact(
            artifact_store=optuna.artifacts.FileSystemArtifactStore(str(folder)),
            file_path=str(file),
            study_or_trial=self.storage.get_trial(self._written.id_of(number)),
            storage=self.storage,
        )

    def table(self) -> pd.DataFrame:
        """All trials, one row each; `asymnas.core.columns` describes the columns."""
        with readable(self._named):
            if self._lease is None:
                return self._table.frame(self.optuna.get_trials(deepcopy=False))
            return self._table.frame(self._written.read_unfinished())

    @property
    def storage(self) -> BaseStorage:
        """Where the study is stored.

        Raises:
            StudyError: The study was given without its storage.
        """
        if self._backend is None:
            raise StudyError("this study was opened to read only: give its storage URL to write")
        return self._backend

    def note(self, text: str, number: int | None = None) -> None:
        """Sets the note, Markdown, that the dashboard shows with the study or one of its trials."""
        noted: Any = self.optuna
        if number is not None:  # what is read of an `optuna.Trial`, which cannot be made of a row
            noted = SimpleNamespace(
                storage=self.storage, study=self.optuna, _trial_id=self._written.id_of(number)
            )
        # It imports scikit-learn, a second that no start waits for.
        from optuna_dashboard import save_note

        save_note(noted, text)

    def plot(self, name: str, figure: "go.Figure", largest: int) -> None:
        """Sets a plot of the study's page in the dashboard.

        Args:
            name: Its identifier: letters and dashes. A plot of that name is replaced.
            figure: The plot.
            largest: Characters of it as JSON; a larger one is not stored.
        """
        from optuna_dashboard import save_plotly_graph_object

        if len(figure.to_json()) <= largest:
            save_plotly_graph_object(self.optuna, figure, graph_object_id=name)

    @property
    def _named(self) -> str:
        return f"the study {self.optuna.study_name!r}"

    def _stored(self, attribute: str) -> dict[str, Any]:
        """Values that the study was opened with, once their checksum agrees."""
        what = _WORDS[attribute]
        stored = self.optuna.user_attrs[attribute]
        if not isinstance(stored, Mapping):
            raise DamageError(f"the {what} of {self._named} is damaged: it is {stored!r}")
        return checked(stored, f"the {what} of {self._named}")

    @cached_property
    def _study_id(self) -> int:
        return self.storage.get_study_id_from_name(self.optuna.study_name)

    @cached_property
    def _written(self) -> WrittenTrials:
        """Of a study that is written to."""
        return WrittenTrials(self.storage, self._study_id)

    def _shown_to(self, sampler: str) -> ShownTrials:
        if sampler not in self._shown:
            self._shown[sampler] = ShownTrials(
                self.objectives,
                self.design.get(REFERENCE, {}),
                as_complete=sampler in OF_COMPLETE,
            )
        return self._shown[sampler]


def _is_stuck(trials: Sequence[FrozenTrial]) -> bool:
    """Whether the last trials all repeated others: a sampler may do so for ever."""
    last = trials[-MOST_REPEATED:]
    repeated = [trial.user_attrs.get(t.DUPLICATE_OF) is not None for trial in last]
    return len(last) == MOST_REPEATED and all(repeated)


def _objectives(study: optuna.Study) -> list[Objective]:
    """The objectives that a study was begun with."""
    try:
        given = [Objective(**o) for o in study.user_attrs[OBJECTIVES]]
    except TypeError as error:
        raise DamageError(
            f"the objectives of the study {study.study_name!r} are damaged"
        ) from error
    directions = [StudyDirection.MAXIMIZE if o.maximize else StudyDirection.MINIMIZE for o in given]
    config = study.user_attrs.get(CONFIG, {})
    named = list(config.get("objectives", [])) if isinstance(config, Mapping) else []
    if directions != study.directions or (named and named != [o.name for o in given]):
        raise DamageError(
            f"the objectives of the study {study.study_name!r} are damaged: they are not those of "
            "its configuration"
        )
    return given

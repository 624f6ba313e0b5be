"""The bridge to Optuna: storage, samplers, curves, the trial table.

Trials live in an ordinary Optuna study that any Optuna tool opens. What Optuna has no place for is
in public user attributes: the realised architecture, its counts, the curve, why a trial failed.
Values are stored in their natural direction.
"""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
import optuna_dashboard
import pandas as pd
from optuna.storages import BaseStorage
from optuna.trial import Trial, TrialState

from asymnas import table as t
from asymnas.analysis.front import Objective
from asymnas.config import StudyConfig
from asymnas.errors import StudyError
from asymnas.study.lease import LEASE, Lease
from asymnas.study.objectives import resolve_objectives
from asymnas.study.rows import DETAILS, TOLD, as_row, columns_of
from asymnas.study.samplers import SAMPLERS, Draw, make_sampler

__all__ = [
    "SAMPLERS",
    "Lease",
    "SearchStudy",
    "Trial",
    "open_study",
    "read_study",
    "resolve_objectives",
]

optuna.logging.set_verbosity(optuna.logging.WARNING)

CONFIG = "asymnas:config"
SETUP = "asymnas:setup"
OBJECTIVES = "asymnas:objectives"
PINNED = "asymnas:pinned"
WALL_SECONDS = "asymnas:wall_seconds"
_SHOWN = (t.ARCHITECTURE, t.TOTAL_PARAMS, t.DECODER_SHARE)  # attributes of their own


class SearchStudy:
    """One study: asks, remembers, tells, and lays itself out as a table.

    Args:
        study: The Optuna study, with the attributes that `open_study` writes.
        storage: Where it is stored; needed to write only.

    Raises:
        StudyError: asymnas did not make the study.
    """

    def __init__(self, study: optuna.Study, storage: BaseStorage | None = None) -> None:
        if OBJECTIVES not in study.user_attrs:
            raise StudyError(
                f"the study {study.study_name!r} was not made by asymnas: use another name"
            )
        self.optuna = study
        self.objectives = [Objective(**o) for o in study.user_attrs[OBJECTIVES]]
        self._backend = storage
        self._trial_ids: dict[int, int] = {}

    @property
    def config(self) -> dict[str, Any]:
        """The configuration of the last start, as `StudyConfig.to_dict` wrote it."""
        values: dict[str, Any] = self.optuna.user_attrs[CONFIG]
        return values

    @property
    def setup(self) -> dict[str, Any]:
        """Versions, hardware and source revision, written when the study was opened."""
        values: dict[str, Any] = self.optuna.user_attrs[SETUP]
        return values

    @property
    def wall_seconds(self) -> float:
        """Time that all starts of the run took together, those that were killed left out."""
        return float(self.optuna.user_attrs.get(WALL_SECONDS, 0.0))

    def add_seconds(self, seconds: float) -> None:
        """Adds the time of a start."""
        self.optuna.set_user_attr(WALL_SECONDS, self.wall_seconds + seconds)

    @cached_property
    def lease(self) -> Lease:
        """The right to write here."""
        return Lease(
            read=lambda: dict(self.optuna.user_attrs.get(LEASE, {})),
            write=lambda values: self.optuna.set_user_attr(LEASE, values),
        )

    def ask(self, sampler: Any, seed: int, *, parallel: bool) -> Trial:
        """A new trial; its draws follow from the seed, its number and the trials before it."""
        number = len(self.optuna.get_trials(deepcopy=False))
        self._set_sampler(sampler, seed, number, parallel=parallel)
        return self.optuna.ask()

    def unfinished(self, sampler: Any, seed: int) -> Iterator[Trial]:
        """Trials that a stopped or killed run left running, ready to be continued.

        What such a trial has drawn is drawn again as it was; the rest as `ask` would have it.
        """
        running = self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for trial in running:
            self._set_sampler(sampler, seed, trial.number, parallel=len(running) > 1)
            yield Trial(self.optuna, self._trial_id(trial.number))

    def _set_sampler(self, sampler: Any, seed: int, number: int, *, parallel: bool) -> None:
        if not isinstance(sampler, str):
            self.optuna.sampler = sampler
            return
        complete = self.optuna.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        draw = Draw(seed=seed, number=number, completed=len(complete), parallel=parallel)
        self.optuna.sampler = make_sampler(sampler, draw)

    def describe(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Stores what is known of a running trial's candidate before it trains, in few writes."""
        shown = {name: attributes[name] for name in _SHOWN}
        details = {name: value for name, value in attributes.items() if name not in shown}
        self.remember(number, {**shown, DETAILS: details})

    def remember(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Stores attributes of a running trial."""
        for name, value in attributes.items():
            self.storage.set_trial_user_attr(self._trial_id(number), name, value)

    def recall(self, number: int) -> dict[str, Any]:
        """The attributes of a trial."""
        return dict(self.storage.get_trial(self._trial_id(number)).user_attrs)

    def tell(self, number: int, state: t.State, row: Mapping[str, Any]) -> None:
        """Finishes a trial; a complete one takes its objectives' values from `row`."""
        values = [float(row[o.name]) for o in self.objectives] if state == "complete" else None
        self.optuna.tell(number, values, TOLD[state])

    def attach(self, number: int, file: Path, folder: Path) -> None:
        """Uploads a file as an artifact of a running trial, which the dashboard shows."""
        folder.mkdir(parents=True, exist_ok=True)
        optuna.artifacts.upload_artifact(
            artifact_store=optuna.artifacts.FileSystemArtifactStore(str(folder)),
            file_path=str(file),
            study_or_trial=self.storage.get_trial(self._trial_id(number)),
            storage=self.storage,
        )

    def table(self) -> pd.DataFrame:
        """All trials, one row each; `asymnas.table` describes the columns."""
        rows = [as_row(trial) for trial in self.optuna.get_trials(deepcopy=False)]
        frame = pd.DataFrame(rows, columns=columns_of(rows, [o.name for o in self.objectives]))
        return frame.astype({t.DUPLICATE_OF: "Int64", t.TRIAL: int})

    @property
    def storage(self) -> BaseStorage:
        """Where the study is stored.

        Raises:
            StudyError: The study was given without its storage.
        """
        if self._backend is None:
            raise StudyError("this study was opened to read only: give its storage URL to write")
        return self._backend

    def note(self, text: str) -> None:
        """Sets the note, Markdown, that the dashboard shows beside the study."""
        optuna_dashboard.save_note(self.optuna, text)

    def _trial_id(self, number: int) -> int:
        if number not in self._trial_ids:
            study = self.storage.get_study_id_from_name(self.optuna.study_name)
            found = self.storage.get_trial_id_from_study_id_trial_number(study, number)
            self._trial_ids[number] = found
        return self._trial_ids[number]


def open_study(
    config: StudyConfig,
    objectives: Sequence[Objective],
    *,
    setup: Mapping[str, Any],
    choices: Mapping[str, Any],
    storage: str,
    fresh: bool,
) -> SearchStudy:
    """Opens the study of a configuration, new or to be continued, and takes its lease.

    Args:
        config: What to run; a continued study must have been started with the same.
        objectives: Names and directions.
        setup: Versions and hardware, kept for the record.
        choices: The space's categorical choices, which a continued study must share.
        storage: Optuna storage URL.
        fresh: Delete first what the run directory holds, or the study of that name elsewhere.

    Raises:
        StudyError: The study there is another one or in use, or the storage cannot be opened.
    """
    backend = _open_storage(storage)
    names = [summary.study_name for summary in optuna.get_all_study_summaries(backend)]
    if fresh:
        for name in [n for n in names if n == config.name or not config.storage]:
            existing = optuna.load_study(study_name=name, storage=backend)
            if OBJECTIVES in existing.user_attrs or config.storage:
                SearchStudy(existing, backend).lease.acquire()
            optuna.delete_study(study_name=name, storage=backend)
            names.remove(name)
    if not config.storage and names == [config.name] and _is_stillborn(names[0], backend):
        optuna.delete_study(study_name=names.pop(), storage=backend)
    pinned = {**config.identity(), "choices": _json(choices)}
    if config.name in names:
        study = optuna.load_study(study_name=config.name, storage=backend)
        _check_same(study, pinned)
    else:
        if names and not config.storage:
            raise StudyError(
                f"{config.run_dir} holds the study {names[0]!r}, not {config.name!r}: name another "
                "run directory, or start over with --fresh"
            )
        try:
            study = optuna.create_study(
                study_name=config.name,
                storage=backend,
                directions=["maximize" if o.maximize else "minimize" for o in objectives],
            )
        except optuna.exceptions.DuplicatedStudyError as error:
            raise StudyError(
                f"another process has just begun {config.name!r}: try again"
            ) from error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names([o.name for o in objectives])
        study.set_user_attr(
            OBJECTIVES, [{"name": o.name, "maximize": o.maximize} for o in objectives]
        )
        study.set_user_attr(PINNED, pinned)
    opened = SearchStudy(study, backend)
    opened.lease.acquire()
    study.set_user_attr(CONFIG, config.to_dict())
    study.set_user_attr(SETUP, _json(setup))
    return opened


def read_study(storage: str, name: str | None = None) -> SearchStudy:
    """Opens an existing study to read.

    Args:
        storage: Optuna storage URL.
        name: The study's name; may be left out where the storage holds one.

    Raises:
        StudyError: There is no such study, or asymnas did not make it.
    """
    path = storage.removeprefix("sqlite:///")
    if path != storage and path != ":memory:" and not Path(path).is_file():
        raise StudyError(f"there is no study in {path}: the file does not exist")
    backend = _open_storage(storage)
    names = [summary.study_name for summary in optuna.get_all_study_summaries(backend)]
    if name is None and len(names) == 1:
        name = names[0]
    if name not in names:
        wanted = f"no study {name!r}" if name else "not exactly one study"
        raise StudyError(f"{storage} holds {wanted}; it has: {', '.join(names) or 'none'}")
    return SearchStudy(optuna.load_study(study_name=name, storage=backend), backend)


def _open_storage(url: str) -> BaseStorage:
    timeout = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
    try:
        if url.startswith(("sqlite", "mysql", "postgres")):
            return optuna.storages.RDBStorage(url, engine_kwargs=timeout)
        return optuna.storages.get_storage(url)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
        raise StudyError(f"cannot open the storage {url}: {reason}") from error


def _is_stillborn(name: str, backend: BaseStorage) -> bool:
    """Whether a start died while it made the study: nothing is pinned, nothing was drawn."""
    study = optuna.load_study(study_name=name, storage=backend)
    return PINNED not in study.user_attrs and not study.get_trials(deepcopy=False)


def _check_same(study: optuna.Study, pinned: Mapping[str, Any]) -> None:
    stored = study.user_attrs.get(PINNED)
    if stored is None:
        raise StudyError(
            f"the study {study.study_name!r} was not made by asymnas: use another name"
        )
    now = _json(pinned)
    unlike = [name for name in now if now[name] != stored.get(name)]
    if unlike:
        differences = "; ".join(
            "the search space's choices changed"
            if name == "choices"
            else f"{name} was {stored.get(name)!r}, now {now[name]!r}"
            for name in unlike
        )
        raise StudyError(
            f"the run {study.study_name!r} was started otherwise: {differences}. Continue it with "
            "its own settings, name another --run-dir, or start over with --fresh"
        )


def _json(values: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain

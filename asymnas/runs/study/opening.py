"""Opening a study: new, to be continued, or to be read."""

import json
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import optuna
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from asymnas.core.checksums import with_checksum
from asymnas.core.config import StudyConfig
from asymnas.core.errors import StudyError
from asymnas.core.files import (
    DATABASE,
    STORAGE,
    delete_drafts,
    made_folder,
    with_home,
    write_whole,
)
from asymnas.core.provenance import setup
from asymnas.core.side_families import with_side_families
from asymnas.core.terminal import Terminal
from asymnas.core.urls import public_url
from asymnas.data.base import Dataset
from asymnas.data.fingerprint import changes, fingerprint
from asymnas.data.spec import same_place, same_source
from asymnas.networks.kinds import kind_of
from asymnas.runs.study.bridge import (
    CONFIG,
    DATA,
    DESIGN,
    OBJECTIVES,
    OURS,
    PINNED,
    PURPOSE,
    SETUP,
    Purpose,
    SearchStudy,
)
from asymnas.runs.study.lease import DatabaseLease, Lease, lease_of
from asymnas.runs.study.objectives import resolve_objectives
from asymnas.runs.study.samplers import FIXED
from asymnas.runs.study.storage import (
    WriteAheadLog,
    open_storage,
    open_to_write,
    quiet,
    readable,
    sqlite_file,
    writable,
)
from asymnas.runs.study.waiting import waiting
from asymnas.space.space import Space

# What the losses of values taken as probabilities are: asymnas 0.1 left their entropy in.
NO_ENTROPY, WITH_ENTROPY = "less the data's entropy", "with the data's entropy"


class StudyPlan(Protocol):
    """What a study needs of a plan: a configuration in which nothing is left open."""

    @property
    def config(self) -> StudyConfig:
        """The configuration; family, examples, workers and precision are set."""

    @property
    def space(self) -> Space:
        """The search space; its choices are part of what a continued run must share."""

    @property
    def data(self) -> Dataset:
        """The data set; a continued run must have the same examples in the same splits."""

    @property
    def notes(self) -> Sequence[str]:
        """What was done to the data."""

    @property
    def purpose(self) -> Purpose:
        """What the run is for."""

    @property
    def design(self) -> Mapping[str, Any]:
        """What a continued run must share with its start besides its configuration."""

    @property
    def remarks(self) -> Mapping[str, Any]:
        """What else the run was started with; may differ when it is continued."""


def open_study(plan: StudyPlan, *, fresh: bool = False) -> SearchStudy:
    """Opens the study of a plan, new or to be continued, and takes its lease.

    Args:
        plan: What to run.
        fresh: Delete first what the run directory holds, or the study of that name elsewhere.

    Raises:
        StudyError: The study there is another one or in use, its data changed, or the storage
            cannot be opened.
    """
    config = plan.config
    directory = Path(config.run_dir)
    _make(directory)
    if not fresh:
        _check_storage(directory, config)
    storage = config.storage or f"sqlite:///{directory / DATABASE}"
    lease = lease_of(storage, config.name)
    lease.acquire()
    study: optuna.Study | None = None
    moved = ""
    log = WriteAheadLog()
    try:
        delete_drafts(directory)
        backend, log = open_to_write(storage)
        if isinstance(lease, DatabaseLease):
            backend = waiting(backend, lease)
        with writable(storage):
            study = _existing(config, storage, backend, fresh=fresh)
            data = fingerprint(plan.data)
            if study is None:
                study = _create(config, backend)
            else:
                unlike = _differences(study, _pinned(plan))
                if set(unlike) <= {"choices"}:  # choices follow from the data: these are the reason
                    moved = _check_data(study, data, plan.data, config.dataset)
                _check_settings(study, unlike)
                if moved:
                    Terminal(stderr=True).print(f"note: {moved}")
            log.begin()
            _describe(study, plan, data)
    except BaseException:
        log.fold()
        lease.release(discard=study is None)
        raise
    return SearchStudy(study, backend, lease, log.fold)


def _make(directory: Path) -> None:
    if directory.exists() and not directory.is_dir():
        raise StudyError(f"the run directory {directory} is a file: name another --run-dir")
    try:
        made_folder(directory)
    except OSError as error:
        raise StudyError(
            f"cannot make the run directory {directory}: {error.strerror}; name another --run-dir"
        ) from error


def _check_storage(directory: Path, config: StudyConfig) -> None:
    """Raises if the study of the run directory lies in another storage than is asked for."""
    recorded, asked = directory / STORAGE, public_url(config.storage)
    there = ""
    if recorded.is_file():
        with suppress(ValueError, KeyError, TypeError):
            there = public_url(json.loads(recorded.read_text())["storage"])
    elif config.storage and (directory / DATABASE).is_file():
        there = f"sqlite:///{directory / DATABASE}"
    if there and there != asked:
        give = "leave --storage out" if not recorded.is_file() else "give it as --storage"
        raise StudyError(
            f"{directory} holds a run whose study is in {there}: {give}, name another run "
            "directory, or start over with --fresh"
        )


def _existing(
    config: StudyConfig, storage: str, backend: BaseStorage, *, fresh: bool
) -> optuna.Study | None:
    """The study of that name if the storage holds it, unless it is to be deleted.

    Raises:
        StudyError: The run directory holds another study.
    """
    names = optuna.get_all_study_names(backend)
    if fresh:
        for name in [n for n in names if n == config.name or not config.storage]:
            _delete(name, storage, backend, ours=config.name)
            names.remove(name)
    if config.name in names:
        with readable(f"the study {config.name!r}"):
            study = optuna.load_study(study_name=config.name, storage=backend)
            if not _is_stillborn(study):
                return study
        optuna.delete_study(study_name=config.name, storage=backend)
        names.remove(config.name)
    if names and not config.storage:
        raise StudyError(
            f"{config.run_dir} holds the study {names[0]!r}, not {config.name!r}: name another "
            "run directory, or start over with --fresh"
        )
    return None


def _delete(name: str, storage: str, backend: BaseStorage, *, ours: str) -> None:
    """Deletes a study, unless another process runs it."""
    other: Lease | None = lease_of(storage, name) if name != ours else None
    if other is not None:
        other.acquire()
    try:
        optuna.delete_study(study_name=name, storage=backend)
    except BaseException:
        if other is not None:
            other.release()
        raise
    if other is not None:
        other.release(discard=True)


def _create(config: StudyConfig, backend: BaseStorage) -> optuna.Study:
    objectives = resolve_objectives(config.objectives)
    direction = {True: StudyDirection.MAXIMIZE, False: StudyDirection.MINIMIZE}
    try:
        with quiet():
            study = optuna.create_study(
                study_name=config.name,
                storage=backend,
                directions=[direction[o.maximize] for o in objectives],
            )
    except optuna.exceptions.DuplicatedStudyError as error:
        raise StudyError(f"another process has just begun {config.name!r}: try again") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([o.name for o in objectives])
    study.set_user_attr(OBJECTIVES, [{"name": o.name, "maximize": o.maximize} for o in objectives])
    return study


def _describe(study: optuna.Study, plan: StudyPlan, data: Mapping[str, Any]) -> None:
    """Writes what the study was started with: once what may not change, each time the rest.

    What is pinned comes last: until then a start has not made the study, and the next one does.
    """
    config, design = plan.config, _json(plan.design)
    stored = study.user_attrs
    if PINNED not in stored:
        study.set_user_attr(PURPOSE, plan.purpose)
    if DATA not in stored:
        study.set_user_attr(DATA, with_checksum(data))
    described = {
        CONFIG: {**config.to_dict(), "storage": public_url(config.storage)},
        DESIGN: {**design, **_json(plan.remarks)},
        SETUP: {**setup(), "data": "; ".join(plan.notes) or "as it is"},
    }
    for name, values in described.items():
        study.set_user_attr(name, with_checksum(values))
    if config.storage:
        home = {"storage": public_url(config.storage), "study": config.name}
        write_whole(Path(config.run_dir) / STORAGE, json.dumps(home))
    else:
        (Path(config.run_dir) / STORAGE).unlink(missing_ok=True)
    if PINNED not in stored:
        study.set_user_attr(PINNED, with_checksum(_pinned(plan)))


def _pinned(plan: StudyPlan) -> dict[str, Any]:
    """What a continued run must share with its start."""
    config = plan.config
    return {
        **_json(config.identity()),
        "choices": _json(plan.space.choices()),
        **_json(plan.design),
        "purpose": plan.purpose,
        **({"losses": NO_ENTROPY} if kind_of(config.kind).unit_interval else {}),
    }


def read_study(storage: str, name: str | None = None, *, timeout_s: float = 60) -> SearchStudy:
    """Opens an existing study to read.

    Args:
        storage: Optuna storage URL.
        name: The study's name; may be left out where the storage holds one.
        timeout_s: Seconds to wait for a database that another process has locked.

    Raises:
        StudyError: There is no such study, it cannot be read, or asymnas did not make it.
    """
    storage = with_home(storage)
    path = sqlite_file(storage)
    if path is not None and not path.is_file():
        raise StudyError(
            f"there is no study in {path}: the file does not exist; move it back, or start a run"
        )
    backend = open_storage(storage, timeout_s=timeout_s)
    with readable(f"the storage {public_url(storage)}"):
        names = optuna.get_all_study_names(backend)
    if name is None and len(names) == 1:
        name = names[0]
    if not names:
        raise StudyError(f"{public_url(storage)} holds no study: start a run")
    if name not in names:
        wanted, has = f"no study {name!r}" if name else "not exactly one study", ", ".join(names)
        raise StudyError(f"{public_url(storage)} holds {wanted}; it has: {has}")
    with readable(f"the storage {public_url(storage)}"):
        study = SearchStudy(optuna.load_study(study_name=name, storage=backend), backend)
        if CONFIG not in study.optuna.user_attrs:
            raise StudyError(
                f"the start of the study {study.optuna.study_name!r} was cut off before it was "
                "made: there is nothing to read; run the command that began it again"
            )
        return study


def _is_stillborn(study: optuna.Study) -> bool:
    """Whether a start died while it made the study: nothing is pinned, nothing was drawn.

    An empty study that another program made counts too, unless it has attributes that are not ours.
    """
    attributes = study.user_attrs
    ours = all(attribute.startswith(OURS) for attribute in attributes)
    return ours and PINNED not in attributes and not study.get_trials(deepcopy=False)


def _differences(study: optuna.Study, now: Mapping[str, Any]) -> dict[str, str]:
    """How what is pinned differs from what a run was started with, by setting, in words."""
    stored = SearchStudy(study).pinned if OBJECTIVES in study.user_attrs else None
    if stored is None:
        raise StudyError(
            f"the study {study.study_name!r} was not made by asymnas: use another name"
        )
    before = {
        "purpose": "search",
        "enqueue": [],
        "losses": WITH_ENTROPY,
        "searches": 1,
        "space": "usual",
    }
    stored = {**before, **with_side_families(stored)}
    if stored.get("sampler") == "Listed":  # what the fixed list was called at first
        stored["sampler"] = FIXED
    unlike = {
        name: f"{name} was {stored.get(name)!r}, now {now[name]!r}"
        for name in now
        if now[name] != stored.get(name)
    }
    if "choices" in unlike:
        unlike["choices"] = "the search space's choices changed"
    if "dataset" in unlike and _is_file_elsewhere(stored["dataset"], now["dataset"]):
        del unlike["dataset"]  # whether it is the same is a matter of its content
    return unlike


def _check_settings(study: optuna.Study, unlike: Mapping[str, str]) -> None:
    if unlike:
        raise StudyError(
            f"the run {study.study_name!r} was started otherwise: {'; '.join(unlike.values())}. "
            "Continue it with its own settings, name another --run-dir, or start over with --fresh"
        )


def _is_file_elsewhere(before: str, now: str) -> bool:
    """Whether two names differ in nothing but where their files lie."""
    return ":" in before and same_source(before, now)


def check_data(study: SearchStudy, data: Dataset) -> None:
    """Raises if a study's trials were trained on other data than those at hand.

    Raises:
        StudyError: The data changed; the message says what.
    """
    dataset = study.config["dataset"]
    _check_data(study.optuna, fingerprint(data), data, dataset)


def _check_data(study: optuna.Study, now: Mapping[str, Any], data: Dataset, dataset: str) -> str:
    """Raises for changed data.

    Returns:
        Where the same data lie now, if that is another place; empty if it is not.
    """
    opened = SearchStudy(study)
    before, started = opened.data, (opened.pinned or {}).get("dataset", dataset)
    elsewhere = "" if same_place(started, dataset) else f"{started} at its start, now {dataset}"
    if before is None:  # it was made by asymnas 0.1, whose splits took no notice of labels
        if data.labels is not None and now["rule"] > 1:
            raise StudyError(
                f"the run {study.study_name!r} was made by asymnas 0.1, which split labelled data "
                "otherwise, so new trials cannot be compared with its own. It stays as it is, and "
                "asymnas.report still reads it: name another --run-dir, or start over with --fresh"
            )
        if elsewhere:
            raise StudyError(
                f"the run {study.study_name!r} was made by asymnas 0.1, which kept no fingerprint "
                f"of its data, and these are another file ({elsewhere}): name another --run-dir, "
                "or start over with --fresh"
            )
        return ""
    if changed := changes(before, now):
        where = f" ({elsewhere})" if elsewhere else ""
        raise StudyError(
            f"the data of the run {study.study_name!r} changed{where}: {'; '.join(changed)}. "
            "Results on other data cannot be compared: name another --run-dir, or start over with "
            "--fresh"
        )
    return (
        f"the data of the run have moved, with the same content: {elsewhere}" if elsewhere else ""
    )


def _json(values: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain

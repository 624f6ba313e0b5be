"""Opening a study: new, to be continued, or to be read."""

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage

from asymnas.analysis.front import Objective
from asymnas.core.config import StudyConfig
from asymnas.core.errors import StudyError
from asymnas.runs.study.bridge import (
    CONFIG,
    DESIGN,
    OBJECTIVES,
    PINNED,
    PURPOSE,
    SETUP,
    Purpose,
    SearchStudy,
)
from asymnas.runs.study.storage import open_storage, readable


def open_study(
    config: StudyConfig,
    objectives: Sequence[Objective],
    *,
    setup: Mapping[str, Any],
    choices: Mapping[str, Any],
    storage: str,
    fresh: bool,
    purpose: Purpose = "search",
    design: Mapping[str, Any] | None = None,
    remarks: Mapping[str, Any] | None = None,
) -> SearchStudy:
    """Opens the study of a configuration, new or to be continued, and takes its lease.

    Args:
        config: What to run; a continued study must have been started with the same.
        objectives: Names and directions.
        setup: Versions and hardware, kept for the record.
        choices: The space's categorical choices, which a continued study must share.
        storage: Optuna storage URL.
        fresh: Delete first what the run directory holds, or the study of that name elsewhere.
        purpose: What the run is for.
        design: What a continued sweep or confirmation must share besides.
        remarks: What else it was started with.

    Raises:
        StudyError: The study there is another one or in use, or the storage cannot be opened.
    """
    backend = open_storage(storage)
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
    design = _json(design or {})
    pinned = {**config.identity(), "choices": _json(choices), **design, "purpose": purpose}
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
        study.set_user_attr(PURPOSE, purpose)
        study.set_user_attr(PINNED, pinned)
    opened = SearchStudy(study, backend)
    opened.lease.acquire()
    study.set_user_attr(CONFIG, config.to_dict())
    study.set_user_attr(DESIGN, {**design, **_json(remarks or {})})
    study.set_user_attr(SETUP, _json(setup))
    return opened


def read_study(storage: str, name: str | None = None, *, timeout_s: float = 60) -> SearchStudy:
    """Opens an existing study to read.

    Args:
        storage: Optuna storage URL.
        name: The study's name; may be left out where the storage holds one.
        timeout_s: Seconds to wait for a database that another process has locked.

    Raises:
        StudyError: There is no such study, it cannot be read, or asymnas did not make it.
    """
    path = storage.removeprefix("sqlite:///")
    if path != storage and path != ":memory:" and not Path(path).is_file():
        raise StudyError(f"there is no study in {path}: the file does not exist")
    backend = open_storage(storage, timeout_s=timeout_s)
    with readable(f"the storage {storage}"):
        names = [summary.study_name for summary in optuna.get_all_study_summaries(backend)]
    if name is None and len(names) == 1:
        name = names[0]
    if name not in names:
        wanted = f"no study {name!r}" if name else "not exactly one study"
        raise StudyError(f"{storage} holds {wanted}; it has: {', '.join(names) or 'none'}")
    with readable(f"the storage {storage}"):
        return SearchStudy(optuna.load_study(study_name=name, storage=backend), backend)


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
    stored = {"purpose": "search", "enqueue": [], **stored}  # all that there was at first
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

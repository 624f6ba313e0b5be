"""Studies held in memory, for tests of anything but storage: a trial costs a tenth there."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial

from asymnas.core.errors import StudyError
from asymnas.runs.study.storage import WriteAheadLog, sqlite_file


class MemoryStorage(optuna.storages.InMemoryStorage):
    """Optuna's storage in memory, whose attributes go through JSON as those of a database do."""

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        template = copy.copy(template_trial)
        if template is not None:
            template.user_attrs = _stored(template.user_attrs)
        return super().create_new_trial(study_id, template)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        super().set_study_user_attr(study_id, key, _stored(value))

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        super().set_trial_user_attr(trial_id, key, _stored(value))


def _stored(value: Any) -> Any:
    return json.loads(json.dumps(value))


@contextmanager
def studies_in_memory() -> Iterator[None]:
    """Within the context, a SQLite URL opens a storage of this process.

    A file in its place names the storage, so that it goes with a copy of the run directory, and
    a damaged file opens nothing.
    """
    made: dict[str, MemoryStorage] = {}
    opened: dict[tuple[Path, str], MemoryStorage] = {}

    def open_storage(url: str, *, timeout_s: float = 60) -> MemoryStorage:
        file = sqlite_file(url)
        assert file is not None
        if not file.exists():
            name = f"in memory {len(made)}"
            file.write_text(name)
            made[name] = opened[file, name] = MemoryStorage()
        name = file.read_bytes().decode()
        if name not in made:
            raise StudyError(f"cannot open the storage {url}: file is not a database")
        if (file, name) not in opened:
            opened[file, name] = copy.deepcopy(made[name])
        return opened[file, name]

    def open_to_write(url: str) -> tuple[MemoryStorage, WriteAheadLog]:
        return open_storage(url), WriteAheadLog()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("asymnas.runs.study.opening.open_storage", open_storage)
        patched.setattr("asymnas.runs.study.opening.open_to_write", open_to_write)
        yield

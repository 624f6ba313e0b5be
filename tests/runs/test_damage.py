"""A damaged file in a run directory is named in one line, or changes nothing."""

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import asymnas
from made_studies import made_plan
from marks import essential_first, fast_first
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from asymnas import Architecture, Run, StudyConfig, find_best_architecture, run_search
from asymnas.core import columns as t
from asymnas.core.confirmation_config import ConfirmationConfig
from asymnas.core.errors import AsymnasError, DamageError, StudyError
from asymnas.runs.confirmation_plan import open_search
from asymnas.runs.directory import example_groups, example_losses, losses_path
from asymnas.runs.study import open_study

Damage = Callable[[Path], None]


def cut(part: float) -> Damage:
    def damage(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(part * len(content))])

    return damage


def flipped(seed: int) -> Damage:
    """One bit of the file, where it is not padding."""

    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        draw = random.Random(seed)
        place = draw.choice([i for i, byte in enumerate(content) if byte] or [None])
        if place is not None:
            content[place] ^= 1 << draw.randrange(8)
        path.write_bytes(content)

    return damage


def as_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: Mapping[str, Damage] = {
    "cut in the middle": cut(0.5),
    "bit 0": flipped(0),
    "empty": cut(0),
    "without its end": cut(0.98),
    "removed": Path.unlink,
    "a directory": as_directory,
    "bit 1": flipped(1),
    "bit 2": flipped(2),
}

FILES = (
    "study.db",
    "trials.csv",
    "summary.json",
    "report.html",
    "best/architecture.json",
    "best/preprocessing.json",
    "best/weights.safetensors",
    "artifacts/checkpoints/*.pt",
    "artifacts/dashboard/*",
    "artifacts/reconstructions/*.png",
    ".study.db.*.lock",
)


def comparable(table: pd.DataFrame) -> str:
    return str(table.drop(columns="seconds").to_json())


def results(directory: Path) -> dict[str, Callable[[], Any]]:
    """What a run directory is read for."""
    return {
        "table": lambda: comparable(Run.open(directory).table),
        "front": lambda: comparable(Run.open(directory).front),
        "setting": lambda: Run.open(directory).config["budget"],
        "setup": lambda: Run.open(directory).study.setup,
        "data": lambda: Run.open(directory).study.data,
        "seconds": lambda: Run.open(directory).study.wall_seconds,
        "summary": lambda: Run.open(directory).summary,
        "weights": lambda: [
            float(values.double().sum())
            for values in find_best_architecture(directory).load().state_dict().values()
        ],
        "preprocessing": lambda: find_best_architecture(directory).preprocessing.to_text(),
        "architecture": lambda: architecture(directory / "best" / "architecture.json"),
        "confirm": lambda: open_search(ConfirmationConfig(run_dir=str(directory))).front.to_json(),
    }


def architecture(path: Path) -> str:
    """As a person reads it, whose error a damaged JSON is."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StudyError(f"{path} cannot be read") from error
    return Architecture.from_dict(values).key()


def outcome(read: Callable[[], Any]) -> Any:
    """What is read, or the error in its place."""
    try:
        return read()
    except (AsymnasError, OSError) as error:
        return error


def check(directory: Path, expected: Mapping[str, Any], names: Sequence[str], what: str) -> None:
    """Everything that is read is as before, or one line says what is damaged."""
    for name in names:
        value = outcome(results(directory)[name])
        if isinstance(value, AsymnasError):
            assert str(value).splitlines() == [str(value)], (what, name)
        else:
            assert value == expected[name], (what, name)


@pytest.fixture(scope="module")
def expected(uninterrupted: Run) -> Mapping[str, Any]:
    return {name: read() for name, read in results(uninterrupted.directory).items()}


@pytest.fixture
def copy(uninterrupted: Run, tmp_path: Path) -> Callable[[], Path]:
    """Makes a new copy of a finished run directory, undamaged."""

    def made() -> Path:
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        shutil.copytree(uninterrupted.directory, tmp_path / "run")
        return tmp_path / "run"

    return made


@pytest.mark.parametrize("damage", essential_first(DAMAGES, 1))
@pytest.mark.parametrize("pattern", FILES)
def test_a_damaged_file_gives_an_error_or_the_same(
    pattern: str, damage: str, copy: Callable[[], Path], expected: Mapping[str, Any]
) -> None:
    directory = copy()
    path = min(directory.glob(pattern))
    DAMAGES[damage](path)
    check(directory, expected, list(expected), f"{pattern}: {damage}")


@pytest.mark.parametrize("seed", essential_first(range(10, 40), 4))
def test_a_flipped_bit_of_the_database_gives_an_error_or_the_same(
    seed: int, copy: Callable[[], Path], expected: Mapping[str, Any]
) -> None:
    directory = copy()
    flipped(seed)(directory / "study.db")
    check(directory, expected, ("table", "setting", "setup", "data", "seconds"), f"bit {seed}")


#: By what of a study is changed, as SQL that SQLite takes without a word, the message.
CHANGED = {
    "UPDATE trial_values SET value = value * 0.5 WHERE trial_id = 2": r"trial 1 is damaged",
    "UPDATE trial_params SET param_value = param_value * 1.01 WHERE trial_id = 3": "trial 2 is",
    "UPDATE trial_user_attributes SET value_json = replace(value_json, '1', '2') "
    "WHERE key = 'curve' AND trial_id = 1": "trial 0 is damaged",
    "UPDATE trials SET state = 'PRUNED' WHERE number = 1": "trial 1 is damaged",
    "UPDATE trials SET number = 9 WHERE number = 1": "numbered one after another",
    "UPDATE trials SET state = 'COMPLETF' WHERE number = 1": "cannot read the study 'made'",
    "DELETE FROM trials WHERE number = 2": "numbered one after another",
    "UPDATE study_user_attributes SET value_json = replace(value_json, '6000', '7000') "
    "WHERE key = 'asymnas:config'": "the configuration of the study 'made' is damaged",
    "UPDATE study_user_attributes SET value_json = replace(value_json, 'seconds\": ', "
    "'seconds\": 1') WHERE key = 'asymnas:wall_seconds'": "the time of the study",
    "UPDATE study_user_attributes SET value_json = replace(value_json, 'false', 'true') "
    "WHERE key = 'asymnas:objectives'": "objectives of the study 'made' are damaged",
    "UPDATE study_directions SET direction = 'MAXIMIZE'": "objectives of the study 'made' are",
    "UPDATE study_user_attributes SET value_json = '\"seerch\"' "
    "WHERE key = 'asymnas:purpose'": "the purpose of the study 'made' is damaged",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a study with four trials that trained nothing, and its time."""
    directory = tmp_path_factory.mktemp("written") / "run"
    study = open_study(made_plan(directory))
    rate = FloatDistribution(1e-4, 1e-2, log=True)
    for number, state in enumerate(("complete", "complete", "pruned", "failed")):
        trial = create_trial(
            state=TrialState.RUNNING,
            params={"learning_rate": 1e-3 + 1e-4 * number},
            distributions={"learning_rate": rate},
            user_attrs={t.CURVE: [[1_000, 0.1]], t.SECONDS: 1.5},
        )
        study.tell(study.add_running(trial), state, {o.name: 0.25 for o in study.objectives})
    study.add_seconds(3.5)
    study.close()
    read(directory)
    return directory


@pytest.mark.parametrize("change", fast_first(CHANGED, fast=6))
def test_a_changed_value_of_the_study_is_named(change: str, written: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(written, tmp_path / "run")
    with closing(sqlite3.connect(directory / "study.db")) as database, database:
        assert database.execute(change).rowcount > 0
    with pytest.raises(StudyError, match=CHANGED[change]):
        read(directory)


def read(directory: Path) -> None:
    run = Run.open(directory)
    _ = run.table, run.study.config, run.study.wall_seconds, run.study.purpose


def test_a_page_of_the_database_that_is_lost_is_named(written: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(written, tmp_path / "run")
    content = bytearray((directory / "study.db").read_bytes())
    content[8192:12288] = bytes(4096)
    (directory / "study.db").write_bytes(content)
    with pytest.raises(DamageError, match=r"the database .*study\.db is damaged .*put a copy of"):
        Run.open(directory)


def test_damaged_losses_of_examples_are_an_error(tmp_path: Path) -> None:
    """They were left out without a word, and intervals came out narrower."""
    path = losses_path(tmp_path, 7)
    path.parent.mkdir()
    np.savez(path, np.arange(40, dtype=np.float32))
    whole = path.read_bytes()
    assert example_losses(tmp_path)[7].tolist() == list(range(40))
    for place in range(0, len(whole), 5):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        losses = outcome(lambda: example_losses(tmp_path)[7].tolist())
        if isinstance(losses, DamageError):
            assert f"{path} is damaged" in str(losses)
        else:
            assert losses == list(range(40)), place
    assert example_groups(tmp_path) is None
    (path.parent / "groups.npy").write_bytes(b"")
    with pytest.raises(DamageError, match=r"groups\.npy is damaged"):
        example_groups(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "damage"),
    essential_first(
        [
            ("study.db", "cut in the middle"),
            ("artifacts/checkpoints/*.pt", "bit 1"),
            ("summary.json", "cut in the middle"),
            ("study.db", "bit 0"),
            ("study.db", "empty"),
            ("trials.csv", "a directory"),
        ],
        2,
    ),
)
def test_a_report_and_a_longer_search_of_damage(
    pattern: str, damage: str, copy: Callable[[], Path], small: StudyConfig, in_process: Executor
) -> None:
    directory = copy()
    before = Run.open(directory).summary
    DAMAGES[damage](min(directory.glob(pattern)))
    result = asymnas("report", str(directory))
    assert "Traceback" not in result.output
    if result.exit_code:
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
    else:
        other = {"left_out": [], "checksum": ""}
        assert Run.open(directory).summary | other == before | other
    config = replace(small, trials=8, run_dir=str(directory))
    run = outcome(lambda: run_search(config, executor=in_process))
    if isinstance(run, Exception):
        assert str(run).splitlines() == [str(run)]
        assert result.exit_code
    else:
        whole = run_search(replace(config, run_dir=str(copy())), executor=in_process)
        assert comparable(run.table) == comparable(whole.table)

"""A study is continued with what it was started with, or refused in one line that says why."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from made_studies import MadePlan, MadeSpace, made_data, made_plan, write_trials
from made_tables import made_table
from sqlalchemy.exc import OperationalError

from asymnas.core.errors import StudyError
from asymnas.data.base import Dataset
from asymnas.data.splits import PerSplit
from asymnas.runs.study import open_study, read_study, writable


def started(plan: MadePlan) -> None:
    study = open_study(plan)
    write_trials(study, made_table(3))
    study.close()


def refusal(plan: MadePlan, *, fresh: bool = False) -> str:
    with pytest.raises(StudyError) as caught:
        open_study(plan, fresh=fresh)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_it_is_continued_with_other_trials_and_workers(tmp_path: Path) -> None:
    plan = made_plan(tmp_path, plan={"purpose": "sweep", "design": {"budgets": [5]}})
    started(plan)
    config = replace(plan.config, trials=99, workers=7, timeout=5.0)
    study = open_study(replace(plan, config=config, remarks={"seeds": 4}))
    assert len(study.table()) == 3
    assert study.config["trials"] == 99
    assert (study.purpose, study.design) == ("sweep", {"budgets": [5], "seeds": 4})
    study.close()


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"config": {"latent": 3}}, "latent was 16, now 3"),
        ({"space": MadeSpace({"depth": [1]})}, "the search space's choices changed"),
        ({"design": {"budgets": [6]}}, "budgets was [5], now [6]"),
        ({"purpose": "confirmation"}, "purpose was 'sweep', now 'confirmation'"),
    ],
)
def test_other_settings_are_named(tmp_path: Path, changes: dict[str, Any], difference: str) -> None:
    plan = made_plan(tmp_path, plan={"purpose": "sweep", "design": {"budgets": [5]}})
    started(plan)
    config = replace(plan.config, **changes.pop("config", {}))
    message = refusal(replace(plan, config=config, **changes))
    assert difference in message
    assert "--run-dir" in message
    assert "--fresh" in message


def labelled(data: Dataset) -> Dataset:
    ids = [torch.zeros(len(split), dtype=torch.int64) for split in (data.train, data.test)]
    return replace(data, labels=PerSplit(train=ids[0], validation=ids[1], test=ids[1]))


CHANGED_DATA: dict[str, tuple[Callable[[], Dataset], str]] = {
    "rows": (lambda: made_data(rows=13), "the training split had 12 examples, now 13"),
    "content": (lambda: made_data(value=8), "the content of the training split changed"),
    "labels": (lambda: labelled(made_data()), "the labels of the training split changed"),
}


@pytest.mark.parametrize("name", list(CHANGED_DATA))
def test_changed_data_are_refused_and_the_change_is_named(tmp_path: Path, name: str) -> None:
    make, change = CHANGED_DATA[name]
    plan = made_plan(tmp_path)
    started(plan)
    message = refusal(replace(plan, data=make()))
    assert change in message
    assert "--run-dir" in message
    assert "--fresh" in message
    study = open_study(plan)  # nothing was changed by the attempt
    assert len(study.table()) == 3
    study.close()
    study = open_study(replace(plan, data=make()), fresh=True)
    assert len(study.table()) == 0
    study.close()


def test_losses_that_held_the_entropy_are_not_continued(tmp_path: Path) -> None:
    """As of asymnas 0.1, whose pinned settings do not name them."""
    plan = made_plan(tmp_path, kind="plain:loss=bce")
    started(plan)
    file = tmp_path / "study.db"
    with sqlite3.connect(file) as database:
        key = "key = 'asymnas:pinned'"
        (stored,) = database.execute(f"SELECT value_json FROM study_user_attributes WHERE {key}")
        later = ("losses", "checksum")
        pinned = {k: v for k, v in json.loads(stored[0]).items() if k not in later}
        database.execute(
            f"UPDATE study_user_attributes SET value_json = ? WHERE {key}", (json.dumps(pinned),)
        )
    assert 'losses was "with the data\'s entropy", now "less the data\'s' in refusal(plan)


def test_a_study_in_use_is_refused_even_to_one_that_starts_over(tmp_path: Path) -> None:
    first = open_study(made_plan(tmp_path))
    write_trials(first, made_table(3))
    for fresh in (False, True):
        assert "is being run by process" in refusal(made_plan(tmp_path), fresh=fresh)
    assert "is being run by process" in refusal(made_plan(tmp_path, name="other"), fresh=True)
    assert len(first.table()) == 3
    first.close()


def test_an_attempt_that_is_refused_leaves_the_study_free(tmp_path: Path) -> None:
    plan = made_plan(tmp_path)
    started(plan)
    refusal(replace(plan, data=made_data(value=8)))
    study = open_study(plan)
    assert len(study.table()) == 3
    study.close()


def test_an_attempt_that_is_refused_leaves_no_file(tmp_path: Path) -> None:
    started(made_plan(tmp_path))
    before = sorted(path.name for path in tmp_path.iterdir())
    assert "holds the study 'made', not 'other'" in refusal(made_plan(tmp_path, name="other"))
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    open_study(made_plan(tmp_path, name="other"), fresh=True).close()
    after = sorted(path.name for path in tmp_path.iterdir())
    assert after == [name.replace("made", "other") for name in before]


def test_a_file_holds_one_study_and_a_shared_storage_several(tmp_path: Path) -> None:
    started(made_plan(tmp_path / "a"))
    assert "holds the study 'made', not 'other'" in refusal(made_plan(tmp_path / "a", name="other"))
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    for name in ("one", "two"):
        started(made_plan(tmp_path / name, name=name, storage=url))
    assert len(read_study(url, "two").table()) == 3
    with pytest.raises(StudyError, match="holds not exactly one study; it has: one, two"):
        read_study(url)


def test_a_directory_belongs_to_one_storage(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    started(made_plan(tmp_path / "a", storage=url))
    assert json.loads((tmp_path / "a" / "storage.json").read_text())["storage"] == url
    assert f"whose study is in {url}: give it as --storage" in refusal(made_plan(tmp_path / "a"))
    started(made_plan(tmp_path / "b"))
    assert "leave --storage out" in refusal(made_plan(tmp_path / "b", storage=url))
    study = open_study(made_plan(tmp_path / "a"), fresh=True)
    assert not (tmp_path / "a" / "storage.json").exists()
    study.close()


def test_a_study_of_another_tool_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    optuna.create_study(study_name="made", storage=url).ask()
    assert "was not made by asymnas" in refusal(made_plan(tmp_path))
    with pytest.raises(StudyError, match="was not made by asymnas"):
        read_study(url)


def test_a_start_that_died_while_it_made_the_study_is_made_good(tmp_path: Path) -> None:
    optuna.create_study(study_name="made", storage=f"sqlite:///{tmp_path / 'study.db'}")
    study = open_study(made_plan(tmp_path))
    assert study.objectives[0].name == "val_loss"
    study.close()


def test_a_study_that_was_not_made_whole_is_read_as_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    made = optuna.create_study(study_name="made", storage=url)
    made.set_user_attr("asymnas:objectives", [{"name": "val_loss", "maximize": False}])
    with pytest.raises(StudyError, match="cut off before it was made"):
        read_study(url)


def test_an_empty_study_with_attributes_of_another_program_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    optuna.create_study(study_name="made", storage=url).set_user_attr("mine", 1)
    assert "was not made by asymnas" in refusal(made_plan(tmp_path))
    (study,) = optuna.get_all_study_summaries(url)
    assert study.user_attrs == {"mine": 1}


def test_optunas_log_level_stays_the_hosts(tmp_path: Path) -> None:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.INFO)
    try:
        open_study(made_plan(tmp_path)).close()
        assert optuna.logging.get_verbosity() == optuna.logging.INFO
    finally:
        optuna.logging.set_verbosity(before)


SECRET = "S3cr3t"
HIDDEN_URLS = [
    f"postgresql+nosuch://me:{SECRET}@localhost:1/x",
    f"mysql+pymysql://me:{SECRET}@localhost:1/x",
    f"mysql://me:{SECRET}@localhost:port/x",
    f"mysql://me:pa@x:{SECRET}@localhost/x",  # its message quotes what follows the colon
    f"nosuch://me:a@{SECRET}/b@localhost/x?password={SECRET}",
    f"redis://:{SECRET}@localhost:1/0",
    f"://me:{SECRET}@",
]


@pytest.mark.parametrize("url", HIDDEN_URLS)
def test_no_error_holds_the_password(tmp_path: Path, url: str) -> None:
    plan = made_plan(tmp_path / "a", storage=url)
    assert SECRET not in refusal(plan)
    with pytest.raises(StudyError) as caught:
        read_study(url, "made")
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.__context__ or "") or caught.value.__suppress_context__


def test_no_file_of_a_run_holds_the_password(tmp_path: Path) -> None:
    """A query option that SQLite ignores stands for a server's password."""
    url = f"sqlite:///file:{tmp_path / 's.db'}?uri=true&password={SECRET}"
    plan = made_plan(tmp_path / "a", storage=url)
    started(plan)
    study = open_study(plan)
    assert study.config["storage"].endswith("password=***")
    study.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert tmp_path / "a" / "storage.json" in files
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
    assert SECRET not in refusal(made_plan(tmp_path / "a"))


def test_a_password_that_an_earlier_version_stored_is_hidden(tmp_path: Path) -> None:
    """As of asymnas 0.1, which kept the whole URL in the study and beside it."""
    whole = f"postgresql://me:{SECRET}@db/x"
    study = open_study(made_plan(tmp_path))
    study.optuna.set_user_attr("asymnas:config", {**study.config, "storage": whole})
    study.close()
    read = read_study(f"sqlite:///{tmp_path / 'study.db'}")
    assert read.config["storage"] == "postgresql://me:***@db/x"
    (tmp_path / "storage.json").write_text(json.dumps({"storage": whole, "study": "made"}))
    message = refusal(made_plan(tmp_path))
    assert "whose study is in postgresql://me:***@db/x" in message
    assert SECRET not in message


def test_no_error_of_reading_holds_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///file:{tmp_path / 's.db'}?uri=true&password={SECRET}"
    started(made_plan(tmp_path / "a", storage=url))
    with pytest.raises(StudyError, match=r"password=\*\*\* holds no study 'other'"):
        read_study(url, "other")

    def fail(storage: object) -> None:
        raise optuna.exceptions.StorageInternalError("gone")

    monkeypatch.setattr("optuna.get_all_study_names", fail)
    with pytest.raises(StudyError, match=r"cannot read the storage .*password=\*\*\*: gone"):
        read_study(url, "made")


def test_a_hidden_password_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = "postgresql+nosuch://me:***@localhost/x"
    with pytest.raises(StudyError) as caught:
        read_study(stored, "made")
    assert "Its password is not stored: set ASYMNAS_STORAGE" in str(caught.value)
    url = f"sqlite:///file:{tmp_path / 's.db'}?uri=true&password={SECRET}"
    started(made_plan(tmp_path / "a", storage=url))
    monkeypatch.setenv("ASYMNAS_STORAGE", url)
    hidden = url.replace(SECRET, "***")
    assert len(read_study(hidden, "made").table()) == 3


def on_file(directory: Path, dataset: str, **data: Any) -> MadePlan:
    return made_plan(directory / "run", dataset=dataset, plan={"data": made_data(**data)})


def test_a_run_knows_its_data_by_place_and_content(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "t.csv").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    started(on_file(tmp_path, f"csv:{tmp_path}/a/t.csv?label=x&group=y"))
    open_study(on_file(tmp_path, f"csv:{tmp_path}/link/t.csv?group=y&label=x")).lease.release()
    assert capsys.readouterr().err == ""
    there, here = (
        f"csv:{tmp_path}/a/t.csv?label=x&group=y",
        f"csv:{tmp_path}/b/t.csv?group=y&label=x",
    )
    message = refusal(on_file(tmp_path, here, value=8))
    assert f"changed ({there} at its start, now {here}): the content of the tr" in message
    assert "dataset was" in refusal(on_file(tmp_path, f"csv:{tmp_path}/a/t.csv?label=x"))
    assert capsys.readouterr().err == ""
    open_study(on_file(tmp_path, here)).lease.release()
    note = f"note: the data of the run have moved, with the same content: {there} at its start, now"
    assert capsys.readouterr().err == f"{note} {here}\n"


def test_other_data_are_named_before_the_choices_that_follow_from_them(tmp_path: Path) -> None:
    started(made_plan(tmp_path))
    plan = {"data": made_data(rows=13), "space": MadeSpace({"depth": [1]})}
    assert "the training split had 12 examples, now 13" in refusal(made_plan(tmp_path, plan=plan))


def test_a_storage_that_cannot_be_written_is_an_error_of_one_line_without_its_password() -> None:
    full = OperationalError("UPDATE x", {}, sqlite3.OperationalError("S3cr3t: disk is full"))
    for error in (full, optuna.exceptions.StorageInternalError("invalid data in the commit")):
        error.__cause__ = None if error is full else full
        with (
            pytest.raises(StudyError, match=r"disk is full.*What had finished is saved") as caught,
            writable("postgresql://me:S3cr3t@localhost/x"),
        ):
            raise error
        assert "\n" not in str(caught.value)
        assert "S3cr3t" not in str(caught.value)
    with pytest.raises(ValueError, match="mine"), writable("sqlite:///x"):
        raise ValueError("mine")

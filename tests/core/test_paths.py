"""`~` is the home directory wherever a path is given; without a home, one line says so."""

import os
import pwd
from pathlib import Path

import pytest
from command_line import asymnas

from asymnas.core.config import DataSpec, StudyConfig
from asymnas.core.confirmation_config import ConfirmationConfig
from asymnas.core.errors import DataError, OptionError, PathError
from asymnas.core.files import expanded, with_home
from asymnas.dashboard import DashboardConfig
from asymnas.data.spec import data_root, existing_directory, existing_file
from asymnas.runs.run import Run
from asymnas.runs.study import read_study


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.csv").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


PLACES = {
    "a run directory": lambda: StudyConfig(run_dir="~/d").run_dir,
    "a run directory as a path": lambda: StudyConfig(run_dir=Path("~/d")).run_dir,
    "a data root": lambda: StudyConfig(data_root="~/d").data_root,
    "a storage": lambda: StudyConfig(storage="sqlite:///~/d").storage.removeprefix("sqlite:///"),
    "a confirmed run": lambda: ConfirmationConfig(run_dir="~/d").run_dir,
    "a run to look at": lambda: DashboardConfig(run_dir="~/d").run_dir,
    "the root of a data set": lambda: data_root(DataSpec(name="digits", root="~/d")),
    "a directory of images": lambda: existing_directory(DataSpec(name="folder:~/d")),
    "a directory of sounds": lambda: existing_directory(DataSpec(name="audio:~/d")),
    "a table's directory": lambda: existing_file(DataSpec(name="csv:~/d/a.csv")).parent,
}


@pytest.mark.parametrize("case", PLACES)
def test_a_tilde_is_the_home_directory(home, case):
    assert Path(PLACES[case]()) == home / "d"


NAMED = {
    "a run": lambda: Run.open("~/d"),
    "a study": lambda: read_study("sqlite:///~/d/study.db"),
    "a command's argument": lambda: _fail(asymnas("report", "~/d")),
    "a study file": lambda: _fail(asymnas("search", "~/d/x.py")),
    "a flag": lambda: _fail(asymnas("search", "--dataset=csv:~/d/b.csv")),
}


def _fail(result):
    raise LookupError(result.stderr)


@pytest.mark.parametrize("case", NAMED)
def test_messages_name_the_place_itself(home, case):
    with pytest.raises(Exception, match=rf"{home}/d"):
        NAMED[case]()


@pytest.mark.parametrize("path", ["a~b", "./~", "a/~/b", "/~"])
def test_a_tilde_elsewhere_is_a_character(path):
    assert StudyConfig(run_dir=path).run_dir == path
    assert with_home(f"sqlite:///{path}") == f"sqlite:///{path}"


@pytest.mark.parametrize("url", ["postgresql://u:~p@h/~x", "sqlite://", "redis://~/0", ""])
def test_other_addresses_stay_as_they_are(url):
    assert with_home(url) == url


@pytest.fixture
def homeless(monkeypatch):
    """A user without an entry, without HOME, as in a container."""

    def unknown(uid):
        raise KeyError(uid)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.mark.usefixtures("homeless")
def test_without_a_home_directory_one_line_says_what_to_do():
    with pytest.raises(DataError, match=r"^no home directory: pass --data-root DIR, or set HOME$"):
        data_root(DataSpec(name="digits"))
    message = "there is no home directory to stand for ~ in '~/d': set HOME, or give the whole path"
    for place in (lambda: expanded("~/d"), PLACES["a run directory"], PLACES["a storage"]):
        with pytest.raises(PathError, match=message):
            place()
    assert asymnas("search", "--run-dir", "~/d", "--dry-run").stderr == f"error: {message}\n"
    assert StudyConfig(run_dir="d", data_root="d").run_dir == "d"


def test_a_user_who_is_not_there():
    with pytest.raises(PathError, match=r"no home directory to stand for ~ in '~nobody-of-that/x'"):
        StudyConfig(run_dir="~nobody-of-that/x")


def test_names_that_are_not_utf8_are_taken():
    name = os.fsdecode(b"caf\xe9")
    config = StudyConfig(dataset=f"folder:{name}", run_dir=name, data_root=name)
    assert os.fsencode(config.run_dir) == b"caf\xe9"
    with pytest.raises(OptionError, match="run_dir must be a path without a question mark"):
        StudyConfig(run_dir=f"{name}?")

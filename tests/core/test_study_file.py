"""Study files: as `python FILE` runs them; a failure names the user's line."""

import pickle
import sys
from pathlib import Path

import pytest

from asymnas import StudyConfig, SweepConfig
from asymnas.core.errors import ConfigError, DataError
from asymnas.core.study_file import load_study, load_sweep


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes a file and returns its path; what loading it imports is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


STUDY = "from asymnas import StudyConfig, SweepConfig\n\ndef study():\n    return "


def test_what_study_returns(write):
    path = write("mine.py", STUDY + "StudyConfig(name='mine', budget='6k')\n")
    assert load_study(path) == StudyConfig(name="mine", budget=6_000)


def test_a_dataclass_with_postponed_annotations(write):
    path = write(
        "mine.py",
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "from asymnas import StudyConfig\n\n"
        "@dataclass\nclass Size:\n    latent: int = 5\n\n"
        "def study() -> StudyConfig:\n"
        "    @dataclass\n    class Inner:\n        budget: int = 7_000\n\n"
        "    return StudyConfig(latent=Size().latent, budget=Inner().budget)\n",
    )
    config = load_study(path)
    assert (config.latent, config.budget) == (5, 7_000)


def test_its_classes_pickle(write):
    path = write(
        "mine.py",
        "from asymnas import StudyConfig\n\nclass Mine:\n    pass\n\n"
        "def study():\n    return StudyConfig(sampler=Mine())\n",
    )
    sampler = load_study(path).sampler
    assert type(pickle.loads(pickle.dumps(sampler))) is type(sampler)


def test_a_neighbour_is_imported_at_once_or_later(write):
    write("neighbour_of_mine.py", "LATENT = 3\n")
    write("later_neighbour.py", "BUDGET = 4_000\n")
    path = write(
        "mine.py",
        "from asymnas import StudyConfig\nfrom neighbour_of_mine import LATENT\n\n"
        "def study():\n    import later_neighbour\n"
        "    return StudyConfig(latent=LATENT, budget=later_neighbour.BUDGET)\n",
    )
    assert (load_study(path).latent, load_study(path).budget) == (3, 4_000)


def test_a_module_of_the_same_name_stays(write):
    path = write("json.py", STUDY + "StudyConfig(name=__name__, run_dir=__file__)\n")
    before = sys.modules["json"]
    assert load_study(path) == StudyConfig(name="study_json", run_dir=str(path))
    assert sys.modules["json"] is before


def test_the_main_block_is_not_run(write):
    path = write("mine.py", "if __name__ == '__main__':\n    raise SystemExit(3)\n" + STUDY + "1\n")
    with pytest.raises(ConfigError, match="must return a StudyConfig but returned 1"):
        load_study(path)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("x = 1\n\ny = undefined\n", 3, "NameError: name 'undefined' is not defined"),
        ("x = 1\nimport not_there_at_all\n", 2, "ModuleNotFoundError: No module named"),
        ("def study():\n    return helper()\n\ndef helper():\n    return 1 / 0\n", 5, "Zero"),
        ("import json\n\ndef study():\n    return json.loads('{')\n", 4, "JSONDecodeError: "),
        ("\ndef study(:\n", 2, "SyntaxError: "),
        ("import sys\nsys.exit('no')\n", 2, "SystemExit: no"),
        ("def study():\n    raise LookupError\n", 2, "LookupError"),
        (STUDY + "StudyConfig(trials=0)\n", 4, "trials must be a whole number of at least 1"),
        (STUDY + "StudyConfig(colour=0)\n", 4, "TypeError: "),
    ],
)
def test_a_failure_names_file_line_and_exception(write, text, line, reason):
    path = write("mine.py", text)
    with pytest.raises(ConfigError) as caught:
        load_study(path)
    assert str(caught.value).startswith(f"{path}, line {line}: {reason}")
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_a_failure_in_a_neighbour_names_the_neighbour(write):
    neighbour = write("broken_neighbour.py", "a = 1\nb = a / 0\n")
    path = write("mine.py", "import broken_neighbour\n")
    with pytest.raises(ConfigError) as caught:
        load_study(path)
    assert str(caught.value) == f"{neighbour}, line 2: ZeroDivisionError: division by zero"


def test_a_failure_of_another_kind_keeps_its_kind(write):
    path = write("mine.py", "from asymnas.core.errors import DataError\nraise DataError('gone')\n")
    with pytest.raises(DataError, match=r"^gone$"):
        load_study(path)


def test_a_sweep_may_be_either(write):
    study = write("one.py", STUDY + "StudyConfig(budget=8_000)\n")
    assert load_sweep(study) == StudyConfig(budget=8_000)
    both = write(
        "two.py", STUDY + "StudyConfig()\n\ndef sweep():\n    return SweepConfig(study=study())\n"
    )
    assert load_sweep(both) == SweepConfig(study=StudyConfig())
    assert load_study(both) == StudyConfig()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("mine.py", "def study():\n    return 3\n", "must return a StudyConfig but returned 3"),
        ("mine.py", "x = 3\n", r"mine.py defines no function study\(\)"),
        ("mine.txt", "x = 3\n", "is not a Python file: a study file ends in .py"),
    ],
)
def test_what_is_no_study_file(write, name, text, words):
    with pytest.raises(ConfigError, match=words):
        load_study(write(name, text))


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no study file .*missing\.py"):
        load_study(tmp_path / "missing.py")


def test_what_is_no_sweep(write):
    path = write("mine.py", "def sweep():\n    return 3\n")
    with pytest.raises(ConfigError, match="must return a StudyConfig or a SweepConfig"):
        load_sweep(path)

"""Every flag of every command: a line of help with its default, one line for a bad value."""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import asymnas

from asymnas import search, sweep
from asymnas.__main__ import COMMANDS, build_app
from asymnas.core.cli import options_taken
from asymnas.core.config import StudyConfig
from asymnas.networks.families import FAMILIES
from asymnas.networks.kinds import KINDS
from asymnas.networks.presets import PRESETS
from asymnas.runs.pruners import PRUNERS
from asymnas.runs.study import SAMPLERS

ROOT = Path(__file__).parents[1]
NAMES = [command.__name__ for command in COMMANDS]
OPTIONS = [(c.__name__, option) for c in COMMANDS for option in options_taken(c).values()]
FLAGS = [(command, option) for command, option in OPTIONS if not option.is_required]

#: What options take any text for; a name is looked up later.
FREE = {"text", "a path", "text or a path", "a sampler's name, or an Optuna sampler in Python"}
WRONG = ("", "-1", "0", "nan", "1.5.1", "a b?", "x,x", "9" * 30, "0.5,0.1")


def needed(command: str) -> list[str]:
    """What a command cannot go without."""
    return ["nowhere"] if command in ("confirm", "report", "dashboard") else []


@pytest.fixture(scope="module")
def help_of() -> dict[str, str]:
    """The help of each command as one line."""
    texts = {name: asymnas(name, "--help") for name in NAMES}
    assert all(result.exit_code == 0 for result in texts.values())
    return {
        name: " ".join(result.stdout.replace("│", " ").split()) for name, result in texts.items()
    }


@pytest.mark.parametrize(("command", "option"), FLAGS, ids=lambda v: getattr(v, "flag", v))
def test_help_has_every_flag_with_its_default(command, option, help_of):
    flags = f"{option.flag} --no-{option.flag[2:]}" if option.is_switch else option.flag
    form = "" if option.is_switch else f" {option.rule.form}"
    line = f"{flags}{form} {option.option.help} [default: {option.default}]"
    assert line in help_of[command]


@pytest.mark.parametrize(("command", "option"), FLAGS, ids=lambda v: getattr(v, "flag", v))
def test_a_bad_value_of_any_flag_is_one_line(command, option):
    if option.is_switch:
        result = asymnas(command, *needed(command), f"{option.flag}=maybe")
        assert result.stderr == (
            f"error: {option.flag} takes no value (write {option.flag} or --no-{option.flag[2:]}) "
            "but got 'maybe'\n"
        )
        assert result.exit_code == 2
        return
    bad = []
    for value in WRONG:
        try:
            option.read(value)
        except ValueError:
            bad.append(value)
    assert bad or option.rule.text in FREE
    for value in bad[:: len(bad) - 1 or 1]:
        result = asymnas(command, *needed(command), option.flag, value)
        line = f"error: {option.flag} must be {option.rule.text} but got {value!r}\n"
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", line)


@pytest.mark.parametrize("command", NAMES)
def test_an_unknown_flag_and_a_missing_value_are_one_line(command):
    flags = [option.flag for name, option in FLAGS if name == command and not option.is_switch]
    for flag in flags:
        result = asymnas(command, *needed(command), flag)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == f"error: {flag} needs a value; see --help\n"
    for flag in flags[::4]:
        result = asymnas(command, *needed(command), f"{flag}x", "1")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"error: unknown option: {flag}x. Did you mean --")
        assert result.stderr.count("\n") == 1


def test_names_of_the_registries_are_in_the_help(help_of):
    names = [*FAMILIES.names(), *KINDS.names(), *PRUNERS.names(), *SAMPLERS]
    assert [name for name in names if name not in help_of["search"]] == []
    assert [name for name in PRESETS.names() if name not in help_of["confirm"] + "reference"] == []


@pytest.mark.parametrize("command", NAMES)
def test_a_module_and_a_subcommand_have_one_help(command):
    module = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", f"asymnas.{command}", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    subcommand = asymnas(command, "--help").stdout
    assert module.stdout.split("\n", 1)[0].startswith(f"Usage: python -m asymnas.{command}")
    for line in subcommand.splitlines()[1:]:
        assert line.strip() in module.stdout
    imported = {line.rsplit("|", 1)[-1].strip() for line in module.stderr.splitlines()}
    assert "cyclopts" in imported
    assert not imported & {"torch", "optuna", "pandas", "sklearn", "numpy"}


def test_the_program_alone_prints_its_commands():
    result = asymnas()
    assert result.exit_code == 0
    assert [name for name in NAMES if name not in result.stdout] == []
    assert build_app().name == ("asymnas",)


def test_the_page_of_options_is_up_to_date():
    path = ROOT / "docs" / "make_options.py"
    spec = importlib.util.spec_from_file_location("make_options", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "options.md").read_text("utf-8") == module.page()


STUDY = """from asymnas import StudyConfig, SweepConfig

def study():
    return StudyConfig(name="mine", budget=9_000, trials=9, download=True)

"""
SWEEP = """def sweep():
    return SweepConfig(study=study(), shares=5, seeds=2)
"""


@pytest.mark.parametrize(
    ("given", "changes"),
    [
        ({}, {}),
        ({"trials": "60"}, {"trials": 60}),  # as the default is, and yet not as the file says
        ({"download": False, "budget": "5k"}, {"download": False, "budget": 5_000}),
        ({"dataset": "wine"}, {"dataset": "wine", "name": "wine", "run_dir": "runs/wine"}),
        ({"run_dir": "x", "name": "other"}, {"run_dir": "x", "name": "other"}),
    ],
)
def test_flags_that_are_given_override_the_study_file(tmp_path, given, changes):
    (tmp_path / "mine.py").write_text(STUDY)
    study = StudyConfig(name="mine", budget=9_000, trials=9, download=True)
    config = search.configured(tmp_path / "mine.py", given)
    assert config == replace(study, **changes)


@pytest.mark.parametrize(
    ("text", "given", "design", "name", "run_dir"),
    [
        ("", {}, (7, 2), "digits-sweep", "runs/digits/sweep"),
        ("", {"dataset": "wine"}, (7, 2), "wine-sweep", "runs/wine/sweep"),
        (STUDY, {"shares": "4"}, (4, 2), "mine-sweep", "runs/mine/sweep"),
        (STUDY + SWEEP, {}, (5, 2), "mine-sweep", "runs/mine/sweep"),
        (STUDY + SWEEP, {"seeds": "3", "run_dir": "x"}, (5, 3), "mine-sweep", "x"),
    ],
)
def test_a_sweep_lies_in_its_study_s_directory(tmp_path, text, given, design, name, run_dir):
    path = tmp_path / "mine.py"
    path.write_text(text)
    config = sweep.configured(path if text else None, given)
    assert (config.shares, config.seeds) == design
    assert (config.study.name, config.study.run_dir) == (name, run_dir)


def test_tab_completes_commands_and_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    result = asymnas("--install-completion", "--shell", "bash")
    assert (result.exit_code, result.stderr) == (0, "")
    (script,) = tmp_path.rglob("completions/asymnas")
    assert str(script) in (tmp_path / ".bashrc").read_text()

    def offered(*words: str) -> str:
        typed = f"COMP_WORDS=(asymnas {' '.join(words)}); COMP_CWORD={len(words)}"
        command = f'source {script}; {typed}; _asymnas; echo "${{COMPREPLY[@]}}"'
        return subprocess.run(["bash", "-c", command], capture_output=True, text=True).stdout

    assert offered("s").split() == ["search", "sweep", "show"]
    assert offered("sweep", "--bu").split() == ["--budgets"]

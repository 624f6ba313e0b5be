"""Every flag of every command: a line of help with its default, one line for a bad value."""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import asymnas
from PIL import Image

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
            f'error: invalid value for {option.flag}: unable to convert "maybe" into bool.\n'
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


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of unusable inputs, and the current one."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "unlike").mkdir()
    for i in range(12):
        image = Image.new("RGB" if i % 2 else "L", (8, 8), color=i * 9)
        image.save(tmp_path / "unlike" / f"{i}.png")
    x = np.random.default_rng(0).normal(size=(50, 5))
    x[3, 2] = np.nan
    np.savez(tmp_path / "nan.npz", x=x)
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "other.py").write_text("def sweep():\n    return 3\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


PLANS = [
    ("search --budget 10", 2, "the smallest has"),
    ("search --max-encoder-params 3", 2, "encoder parameters"),
    ("search --bottleneck pooled --family dense", 2, "dense bottleneck only"),
    ("search --kind masked --family conv2d", 2, "the masked kind cannot train conv2d here"),
    ("search --dataset cifar10 --data-root nowhere", 1, "--download"),
    ("search --objectives total_params", 2, "the first objective must be measured"),
    ("search --device cuda", 1, "no CUDA device"),
    ("search --storage nosuch://x", 1, "the study in nosuch://x"),
    ("search --storage sqlite://", 2, "in memory"),
    ("search --run-dir file", 1, "is a file"),
    ("search missing.py", 2, "there is no study file missing.py"),
    ("search --dataset folder:absent", 1, "absent"),
    ("search --dataset folder:empty", 1, "empty"),
    ("search --dataset folder:unlike", 1, "is greyscale but"),
    ("search --dataset npz:nan.npz", 1, "NaN"),
    ("search --family resnet", 2, "--family: no family is called 'resnet'; there are: conv1d"),
    ("search --decoder-family resnet", 2, "--decoder-family: no family is called 'resnet'"),
    (
        "search --encoder-family transformer --decoder-family conv2d --bottleneck spatial",
        2,
        "need a latent vector between them",
    ),
    ("search --encoder-family dense --symmetric", 2, "one family for both sides"),
    ("search --family any --bottleneck spatial", 2, "a latent vector"),
    ("search --kind diffusion:x=1", 2, "--kind: no kind is called 'diffusion'; there are: "),
    ("search --dataset imagenet", 2, "--dataset: no data set is called 'imagenet'; there are"),
    ("search --objectives val_loss,beauty", 2, "--objectives: no objective is called 'beauty'"),
    ("search --sampler annealing", 2, "--sampler: no sampler is called 'annealing'; there are"),
    ("search --pruner shears", 2, "--pruner: no pruner is called 'shears'; there are: "),
    ("search --enqueue vae", 2, "--enqueue: no preset is called 'vae'; there are: "),
    ("sweep --budgets 100", 2, "the smallest has"),
    ("sweep --family dense --latent 8 --budgets 500 --shares 3", 2, "narrow --share-range"),
    ("sweep --dataset imagenet", 2, "--dataset: no data set is called 'imagenet'"),
    ("sweep missing.py", 2, "there is no study file"),
    ("sweep other.py", 2, "must return a StudyConfig or a SweepConfig"),
    ("confirm nowhere", 1, "holds no run"),
    ("confirm nowhere --presets vae", 2, "--presets: no preset is called 'vae'"),
    ("report nowhere", 1, "holds no run"),
    ("dashboard nowhere", 1, "holds no run"),
]


@pytest.mark.parametrize(("line", "code", "words"), PLANS, ids=[plan[0] for plan in PLANS])
def test_what_cannot_be_run_is_one_line_and_leaves_nothing(here, monkeypatch, line, code, words):
    if "cuda" in line:
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    before = sorted(here.rglob("*"))
    result = asymnas(*line.split())
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    made = {path for path in here.rglob("*") if path not in before and path.name != "study.db"}
    assert made <= {here / "runs", here / "runs" / "digits"}

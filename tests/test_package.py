"""What the package offers at its top, and what its repository holds."""

import ast
import inspect
import operator
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

import asymnas

ROOT = Path(__file__).parents[1]
LARGEST = 300_000  # bytes
LARGE_FILES = ("docs/images/", "studies/", "asymnas/reporting/javascript/")

PUBLIC = [
    "Architecture",
    "AsymnasError",
    "Autoencoder",
    "AutoencoderSearch",
    "Budget",
    "ConfirmationConfig",
    "Run",
    "RunComparison",
    "ScaledPreset",
    "StudyConfig",
    "SweepConfig",
    "TrainedArchitecture",
    "__version__",
    "compare_runs",
    "find_best_architecture",
    "plot_curves",
    "plot_front",
    "plot_front_share",
    "plot_importance",
    "plot_share",
    "run_confirmation",
    "run_search",
    "run_sweep",
    "scale_preset",
]


def test_the_public_names_are_these() -> None:
    assert dir(asymnas) == PUBLIC
    assert sorted(asymnas.__all__) == PUBLIC


#: Names of parameters, in order, `*` before those that are given by name alone.
SIGNATURES = {
    "compare_runs": "sources * by",
    "find_best_architecture": "source study_name * prefer max_params max_encoder_params "
    "max_decoder_params max_macs",
    "plot_curves": "source",
    "plot_front": "source",
    "plot_front_share": "source",
    "plot_importance": "source",
    "plot_share": "source",
    "run_confirmation": "config * fresh executor observe",
    "run_search": "config * fresh executor observe callbacks",
    "run_sweep": "config * fresh executor observe callbacks",
    "scale_preset": "name * shape budget latent bottleneck kind",
    "Architecture": "* encoder_family decoder_family encoder decoder shape latent bottleneck kind",
    "Architecture.build": "self seed",
    "Architecture.from_dict": "values",
    "Architecture.key": "self",
    "Architecture.layers": "self",
    "Architecture.mirror": "self",
    "Architecture.preset": "name",
    "Architecture.to_dict": "self",
    "Run.open": "directory * timeout_s",
    "Run.refresh": "self",
    "Run.trained": "self trial",
    "RunComparison.plot": "self",
    "RunComparison.rows": "self",
    "TrainedArchitecture.build": "self seed",
    "TrainedArchitecture.encode": "self examples",
    "TrainedArchitecture.export": "self path format * part",
    "TrainedArchitecture.load": "self",
    "TrainedArchitecture.reconstruct": "self examples",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_public_signatures_are_these(name: str) -> None:
    """What takes options has theirs from the configurations, which docs/options.md pins."""
    called = operator.attrgetter(name)(asymnas)
    names: list[str] = []
    for parameter in inspect.signature(called).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in names:
            names.append("*")
        names.append(parameter.name)
    assert " ".join(names) == SIGNATURES[name]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(asymnas, name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        asymnas.nothing  # noqa: B018


def test_the_version_is_that_of_the_installed_package() -> None:
    assert asymnas.__version__ == version("asymnas")


EVERYTHING_USED = """
import sys
import optuna
optuna.logging.set_verbosity(optuna.logging.DEBUG)
import asymnas
for name in dir(asymnas):
    getattr(asymnas, name)
from problems import EVERY, FAMILIES, drawn
from asymnas.core.config import DataSpec
from asymnas.networks.families import Problem
from asymnas.training.rung import Job, train_rung
for family in FAMILIES.names():
    entry = FAMILIES.get(family)
    for problem in [p for p in EVERY if entry.unsupported_reason(p) is None][::3]:
        for seed in range(2):
            drawn(family, problem, seed).layers()
architecture = drawn("conv2d", Problem(shape=(1, 8, 8), latent=6), 0)
job = Job(architecture=architecture, data=DataSpec(name="digits"), learning_rate=1e-3,
          batch_size=64, seed=0, until=2, total=2, metrics=("psnr", "ssim"))
assert not train_rung(job).failure
print(optuna.logging.get_verbosity() == optuna.logging.DEBUG)
print("torch._dynamo" in sys.modules)
"""


@pytest.mark.slow
@pytest.mark.essential
def test_optunas_log_level_stays_and_no_compiler_is_imported() -> None:
    """PyTorch's compiler takes 2 to 3 s in each new process, and nothing here is compiled."""
    done = subprocess.run(
        [sys.executable, "-c", EVERYTHING_USED],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    assert (done.stdout, done.returncode) == ("True\nFalse\n", 0), done.stderr


def test_no_large_file_lies_outside_the_folders_for_them() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    files = [name for name in listed.split("\0") if name]
    assert len(files) > 100
    large = [
        name
        for name in files
        if not name.startswith(LARGE_FILES)
        and (ROOT / name).is_file()
        and (ROOT / name).stat().st_size > LARGEST
    ]
    assert not large


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def test_the_workflow_runs_what_every_change_must_pass() -> None:
    jobs = read(".github/workflows/ci.yml")["jobs"]
    assert [step["run"] for step in jobs["checks"]["steps"] if "run" in step] == ["bash .ci/run"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = project["requires-python"].removeprefix(">=")
    assert oldest in jobs["checks"]["strategy"]["matrix"]["python"]


def test_forms_for_issues_ask_for_something() -> None:
    for form in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*_*.yml")):
        fields = read(str(form))
        assert {"name", "description", "labels", "body"} == set(fields), form.name
        asked = [field for field in fields["body"] if field["type"] != "markdown"]
        assert all(field["attributes"]["label"] for field in asked), form.name
        assert len({field["id"] for field in asked}) == len(asked) >= 3, form.name
        assert any(field.get("validations", {}).get("required") for field in asked), form.name


def test_the_citation_is_of_this_version() -> None:
    citation = read("CITATION.cff")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"].startswith("asymnas:")
    assert citation["message"]
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert citation["authors"] == project["authors"]
    assert citation["authors"][0]["name"] in (ROOT / "LICENSE").read_text()


@pytest.mark.slow
def test_what_is_published_is_whole_and_the_same_whenever_it_is_built(tmp_path: Path) -> None:
    built = []
    for name in ("one", "other"):
        tree, out = tmp_path / name, tmp_path / f"{name}-built"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(
            ROOT / "asymnas", tree / "asymnas", ignore=ignored, copy_function=shutil.copyfile
        )
        for file in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"):
            shutil.copyfile(ROOT / file, tree / file)
        os.utime(tree / "LICENSE", (0, 10**9 if name == "one" else 2 * 10**9))
        backend = "from hatchling.build import build_sdist, build_wheel; import sys; "
        backend += "print(build_wheel(sys.argv[1]), build_sdist(sys.argv[1]))"
        out.mkdir()
        command = [sys.executable, "-c", backend, str(out)]
        subprocess.run(command, cwd=tree, check=True, capture_output=True)
        built.append({file.name: file.read_bytes() for file in out.iterdir()})
    assert len(built[0]) == 2
    assert built[0] == built[1]
    (wheel,) = (tmp_path / "one-built").glob("*.whl")
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("asymnas/")}
    tree = tmp_path / "one"
    assert inside == {
        p.relative_to(tree).as_posix() for p in tree.rglob("asymnas/**/*") if p.is_file()
    }


#: Calls that can run code from what they read, and what makes them safe.
UNPICKLING = {"pickle.load", "pickle.loads", "torch.load", "joblib.load", "pd.read_pickle"}
BETWEEN_PROCESSES = (
    "runs/executors/worker.py",
    "runs/executors/process.py",
    "runs/executors/pool.py",
)


def calls(tree: ast.AST) -> Iterator[tuple[str, dict[str, str]]]:
    """Names of the functions that are called, with their named arguments as source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield (
                ast.unparse(node.func),
                {k.arg or "**": ast.unparse(k.value) for k in node.keywords},
            )


def test_no_file_is_unpickled() -> None:
    found = []
    for path in sorted((ROOT / "asymnas").rglob("*.py")):
        name = path.relative_to(ROOT / "asymnas").as_posix()
        for function, named in calls(ast.parse(path.read_text())):
            unsafe = function in UNPICKLING and named.get("weights_only") != "True"
            unsafe |= named.get("allow_pickle", "False") != "False"
            if unsafe and name not in BETWEEN_PROCESSES:
                found.append(f"{name}: {function}")
    assert found == []

"""The packages for OptunaHub: in its form, without asymnas, and of the same rule as ours."""

import ast
import re
from pathlib import Path

import numpy as np
import optuna
import pytest

from asymnas.runs.pruners import Progress
from asymnas.runs.pruners.rank import rank

optunahub = pytest.importorskip("optunahub")

REGISTRY = Path(__file__).parents[1] / "optunahub"
TAGS = {"pruners": "pruner", "visualization": "visualization", "benchmarks": "benchmark"}
#: Trials of the README's example and of `example.py`, where that is a number.
TRIALS = {"pruners": [60, 60], "visualization": [60, 60], "benchmarks": [20]}
PACKAGES = sorted(path.parent for path in REGISTRY.glob("package/*/*/__init__.py"))


def load(name):
    return optunahub.load_local_module(name, registry_root=str(REGISTRY / "package"))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_has_the_form_of_the_registry(package):
    readme = (package / "README.md").read_text("utf-8")
    front = readme.split("---")[1]
    fields = dict(re.findall(r"^(\w+): (.+)$", front, re.MULTILINE))
    names = ("author", "title", "description", "tags", "optuna_versions", "license")
    assert tuple(fields) == names
    tag = TAGS[package.parent.name]
    assert tag in fields["tags"]
    assert optuna.__version__ in fields["optuna_versions"]
    assert (package / "LICENSE").is_file()
    exported = load(f"{package.parent.name}/{package.name}").__all__
    names = readme.partition("## Class or Function Names")[2].partition("##")[0]
    assert sorted(re.findall(r"- (\w+)", names)) == sorted(exported)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_needs_neither_asymnas_nor_torch(package):
    for file in package.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            assert not [name for name in names if name.startswith(("asymnas", "torch"))], file


@pytest.mark.slow
@pytest.mark.essential
@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_the_example_runs(package, monkeypatch, capsys):
    created = []
    create_study = optuna.create_study

    def noted(**given):
        created.append(create_study(**given))
        return created[-1]

    monkeypatch.setattr(optuna, "create_study", noted)
    monkeypatch.setattr(optunahub, "load_module", lambda package: load(package))
    readme = (package / "README.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    exec(compile(code.replace(".show()", ""), package.name, "exec"), {})
    example = (package / "example.py").read_text("utf-8").replace(".show()", "")
    exec(compile(example, "example.py", "exec"), {"__name__": "__main__"})
    expected = TRIALS[package.parent.name]
    assert [len(study.trials) for study in created][: len(expected)] == expected
    if package.parent.name == "pruners":
        states = [trial.state.name for trial in created[-1].trials]
        assert 0 < states.count("PRUNED") < 60
        assert f"{states.count('PRUNED')} of 60 pruned" in capsys.readouterr().out
    if package.parent.name == "benchmarks":
        assert len(created) == 1 + 12  # two samplers, two pruners, three seeds
        assert all(len(study.trials) > 4 for study in created)


def test_the_pruner_decides_as_the_search_does():
    """Random curves of loss and size, some unmeasured: the same trials are stopped."""
    module = load("pruners/size_aware_rank")
    stopped = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        pruner = module.SizeAwareRankPruner(size=1)
        study = optuna.create_study(directions=["minimize", "maximize"], pruner=pruner)
        kept = []
        for _ in range(40):
            trial, size = study.ask(), float(rng.integers(10, 10_000))
            loss = float(rng.normal()) if rng.random() > 0.1 else float("nan")
            module.report(trial, [loss, -size], 1)
            own = Progress(curve=((1, 0.0),), costs=(size,), others=((loss,),))
            # the search's first objective is its loss; here it is the last, and the size known
            expected = rank(own, kept)
            got = module.should_prune(trial)
            assert got == expected
            kept.append(own)
            stopped += got
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    assert 40 < stopped < 200


def test_misuse_is_named():
    module = load("pruners/size_aware_rank")
    study = optuna.create_study(directions=["minimize", "minimize"])
    trial = study.ask()
    with pytest.raises(TypeError, match="SizeAwareRankPruner"):
        module.should_prune(trial)
    with pytest.raises(ValueError, match="1 values reported for 2 objectives"):
        module.report(trial, [1.0], 1)
    with pytest.raises(ValueError, match="above 1"):
        module.SizeAwareRankPruner(reduction_factor=1)


def test_the_plot_shows_complete_trials_that_have_both_parts():
    plot = load("visualization/plot_part_share").plot_part_share
    study = optuna.create_study(directions=["minimize", "minimize"])
    for loss, encoder, decoder in ((0.3, 10, 30), (0.2, 20, 20), (0.4, 30, 10)):
        trial = study.ask()
        trial.set_user_attr("encoder_params", encoder)
        trial.set_user_attr("decoder_params", decoder)
        study.tell(trial, [loss, encoder + decoder])
    study.tell(study.ask(), [0.1, 50])
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    figure = plot(study)
    points = {(x, y) for trace in figure.data for x, y in zip(trace.x, trace.y, strict=True)}
    assert points == {(0.75, 0.3), (0.5, 0.2), (0.25, 0.4)}
    assert figure.layout.xaxis.title.text == "decoder_params / (encoder_params + decoder_params)"
    with pytest.raises(ValueError, match="no complete trial has both 'a' and 'b'"):
        plot(study, parts=("a", "b"))

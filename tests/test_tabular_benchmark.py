"""The hub's table of autoencoders: lookups, and studies on recorded curves in simulated time."""

import json
import math
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from optuna.trial import TrialState

optunahub = pytest.importorskip("optunahub")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ROOT = Path(__file__).parents[1]
SPACE = {
    "depth": IntDistribution(1, 3),
    "block": CategoricalDistribution(("plain", "residual", "separable")),
    "rate": FloatDistribution(1e-3, 1e-1, log=True),
}
RUNGS = (100, 200, 400)
#: Per candidate: depth, block, rate, seconds of each rung, losses; shorter where it fails.
CANDIDATES = (
    (1, "plain", 1e-3, (1.0, 1.0, 2.0), (0.9, 0.8, 0.7)),
    (2, "plain", 1e-2, (2.0, 2.0, 4.0), (0.5, 0.4, 0.3)),
    (3, "residual", 1e-1, (1.0, 1.5), (0.6,)),  # fails at its second rung
    (1, "residual", 1e-2, (3.0, 3.0, 6.0), (0.8, 0.5, 0.2)),
    (3, "separable", 3e-2, (1.0, 1.0, 2.0), (0.7, 0.65, 0.6)),
)


@pytest.fixture(scope="module")
def module():
    return optunahub.load_local_module(
        "benchmarks/asymmetric_autoencoders", registry_root=str(ROOT / "optunahub" / "package")
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table made by hand; candidate 1 has a second seed, whose losses are 0.1 higher."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(ROOT / "studies"))
        from candidate_table import croissant

    rows = []
    for number, (depth, block, rate, seconds, losses) in enumerate(CANDIDATES):
        for seed in (0, 1) if number == 1 else (0,):
            for rung, took in enumerate(seconds):
                failed = rung == len(losses)
                loss = math.nan if failed else losses[rung] + 0.1 * seed
                drawn = {"depth": depth, "block": block, "rate": rate}
                losses_of = {"val_loss": loss, "mae": loss / 2, "psnr": 20 - loss}
                known = {"candidate": number, "seed": seed, "examples": RUNGS[rung], **drawn}
                counts = dict.fromkeys(
                    ("encoder_params", "total_macs", "encoder_macs", "decoder_macs"), 5
                )
                rows.append(
                    {
                        **known,
                        **losses_of,
                        "cpu_seconds": took,
                        "failure": "diverged" if failed else "",
                        **counts,
                        "total_params": 20,
                        "decoder_params": 10 + number,
                        "architecture": json.dumps({"number": number}),
                    }
                )
    folder = tmp_path_factory.mktemp("table")
    space = {name: distribution_to_json(distribution) for name, distribution in SPACE.items()}
    arrow = pa.Table.from_pandas(pd.DataFrame(rows), preserve_index=False)
    arrow = arrow.replace_schema_metadata(
        {"about": json.dumps({"dataset": "made"}), "search_space": json.dumps(space)}
    )
    pq.write_table(arrow, folder / "made.parquet")
    (folder / "croissant.json").write_text(json.dumps(croissant(folder)))
    return folder


@pytest.fixture
def table(module, folder):
    return module.Table("made", folder=folder)


@pytest.fixture
def problem(module, table):
    return module.Problem(table=table)


def queued(problem, numbers, **given):
    """A study whose first trials are these candidates."""
    study = optuna.create_study(directions=problem.directions, **given)
    for number in numbers:
        study.enqueue_trial(problem.table.params(number))
    return study


def test_a_query_has_losses_seconds_and_counts_at_a_rung(table):
    assert table.rungs == RUNGS
    assert table.search_space == SPACE
    assert table.about == {"dataset": "made"}
    found = table.query(1, at=200, seed=1)
    assert (found["val_loss"], found["mae"], found["psnr"]) == (0.5, 0.25, 19.5)
    assert found["cpu_seconds"] == 4.0
    assert (found["decoder_params"], found["total_params"]) == (11, 20)
    mean = table.query(1)
    assert mean["seeds"] == [0, 1]
    assert mean["val_loss"] == pytest.approx(0.35)
    assert mean["cpu_seconds"] == 8.0
    for same in ({"number": 3}, '{"number": 3}', table.params(3)):
        assert table.query(same)["candidate"] == 3


def test_a_run_that_failed_has_no_losses_from_there_on(table):
    assert table.query(2, at=100)["val_loss"] == 0.6
    for at in (200, 400):
        found = table.query(2, at=at)
        assert math.isnan(found["val_loss"])
        assert found["failure"] == "diverged"
        assert found["cpu_seconds"] == 2.5


def test_what_the_table_lacks_is_named(module, table, folder):
    with pytest.raises(ValueError, match=r"at is 150; candidates were measured at \(100, 200"):
        table.query(1, at=150)
    with pytest.raises(ValueError, match=r"candidate 0 was trained with the seeds \[0\]"):
        table.query(0, seed=1)
    with pytest.raises(KeyError, match="no candidate 9"):
        table.query(9)
    with pytest.raises(KeyError, match="0 candidates are like that"):
        table.query({**table.params(0), "rate": 0.002})
    with pytest.raises(FileNotFoundError, match=r"'other'; there are: \['made'\]"):
        module.Table("other", folder=folder)
    with pytest.raises(ValueError, match="no candidate was trained with seed 2"):
        module.Table("made", seed=2, folder=folder)
    with pytest.raises(ValueError, match="objectives are"):
        module.Problem(table=table, objectives=("accuracy",))
    assert module.Table("made", seed=1, folder=folder).candidates == [1]


def test_a_changed_file_is_not_read(module, folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = bytearray((tmp_path / "made.parquet").read_bytes())
    content[100] ^= 1
    (tmp_path / "made.parquet").write_bytes(content)
    with pytest.raises(ValueError, match="SHA-256"):
        module.Table("made", folder=tmp_path)


def gower(one, other):
    depth = abs(one["depth"] - other["depth"]) / 2
    rate = abs(math.log(one["rate"] / other["rate"])) / math.log(100)
    return (depth + (one["block"] != other["block"]) + rate) / 3


def test_the_nearest_candidate_is_that_of_the_least_distance(table):
    rng = np.random.default_rng(0)
    for _ in range(200):
        point = {
            "depth": int(rng.integers(1, 4)),
            "block": str(rng.choice(["plain", "residual", "separable"])),
            "rate": float(10 ** rng.uniform(-3, -1)),
        }
        exclude = set(rng.choice(5, size=int(rng.integers(0, 5)), replace=False).tolist())
        left = [n for n in range(5) if n not in exclude]
        expected = min(left, key=lambda n: gower(point, table.params(n)))
        number, distance = table.nearest(point, exclude)
        assert number == expected
        assert distance == pytest.approx(gower(point, table.params(number)))
    with pytest.raises(ValueError, match="all 5 candidates are left out"):
        table.nearest(table.params(0), set(range(5)))


def test_the_problem_is_of_the_hubs_form(module, table, problem):
    assert isinstance(problem, optunahub.benchmarks.BaseProblem)
    assert problem.search_space == SPACE
    assert problem.evaluate({"depth": 2, "block": "plain", "rate": 0.011}) == 0.3
    assert math.isnan(problem.evaluate(table.params(2)))
    both = module.Problem(table=table, objectives=("psnr", "decoder_params", "cpu_seconds"))
    assert [direction.name for direction in both.directions] == ["MAXIMIZE", "MINIMIZE", "MINIMIZE"]
    assert both.evaluate(table.params(3)) == (19.8, 13, 12.0)


@pytest.mark.parametrize(
    "sampler",
    [
        optuna.samplers.RandomSampler(seed=0),
        optuna.samplers.TPESampler(seed=0, n_startup_trials=2),
        optuna.samplers.NSGAIISampler(seed=0, population_size=2),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
def test_any_sampler_draws_each_candidate_once_at_its_own_point(module, problem, sampler):
    study = optuna.create_study(
        directions=problem.directions,
        sampler=module.PoolSampler(sampler, problem),
        pruner=optuna.pruners.NopPruner(),
    )
    study.optimize(problem, n_trials=5)
    drawn = [trial.user_attrs["candidate"] for trial in study.trials]
    assert sorted(drawn) == [0, 1, 2, 3, 4]
    for trial in study.trials:
        assert trial.params == problem.table.params(trial.user_attrs["candidate"])
        assert trial.user_attrs["distance"] == 0
    assert study.best_value == 0.2
    with pytest.raises(ValueError, match="all 5 candidates are left out"):
        study.optimize(problem, n_trials=1)


def test_workers_take_the_time_that_training_took(module, problem):
    """Two workers, by hand: one is free again at 4 s, at 6.5 s and at 8 s."""
    study = queued(problem, (0, 1, 2, 3), pruner=optuna.pruners.NopPruner())
    log = module.simulate(study, problem, workers=2, trials=4)
    events = list(zip(log["seconds"], log["candidate"], log["state"], strict=True))
    assert events == [
        (1.0, 0, "running"),
        (2.0, 1, "running"),
        (2.0, 0, "running"),
        (4.0, 1, "running"),
        (4.0, 0, "complete"),
        (5.0, 2, "running"),
        (6.5, 2, "failed"),
        (8.0, 1, "complete"),
        (9.5, 3, "running"),
        (12.5, 3, "running"),
        (18.5, 3, "complete"),
    ]
    assert log["best"].dropna().tolist() == [0.7, 0.7, 0.7, 0.3, 0.3, 0.3, 0.2]
    assert log["total_examples"].tolist() == [
        100,
        200,
        300,
        400,
        600,
        700,
        800,
        1000,
        1100,
        1200,
        1400,
    ]
    states = [trial.state for trial in study.trials]
    assert states == [TrialState.COMPLETE] * 2 + [TrialState.FAIL, TrialState.COMPLETE]
    assert study.trials[0].intermediate_values == {100: 0.9, 200: 0.8}
    assert study.trials[3].value == 0.2


def test_a_pruned_trial_frees_its_worker(module, problem):
    pruner = optuna.pruners.ThresholdPruner(upper=0.75)
    study = queued(problem, (0, 1), pruner=pruner)
    log = module.simulate(study, problem, workers=1, trials=2)
    assert log["state"].tolist() == ["pruned", "running", "running", "complete"]
    assert log["seconds"].tolist() == [1.0, 3.0, 5.0, 9.0]
    assert study.trials[0].state == TrialState.PRUNED


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [({"seconds": 4.5}, [1.0, 2.0, 2.0, 4.0, 4.0]), ({"examples": 350}, [1.0, 2.0, 2.0, 4.0])],
)
def test_what_a_limit_cuts_off_fails(module, problem, limit, seconds):
    study = queued(problem, (0, 1, 2, 3), pruner=optuna.pruners.NopPruner())
    log = module.simulate(study, problem, workers=2, **limit)
    assert log["seconds"].tolist() == seconds
    states = [trial.state.name for trial in study.trials]
    assert "RUNNING" not in states
    assert states.count("COMPLETE") == (log["state"] == "complete").sum()


def test_one_worker_does_what_optuna_does(module, problem):
    """The loop of Optuna on the problem itself: the same trials, pruned at the same rungs."""

    def study():
        return optuna.create_study(
            directions=problem.directions,
            sampler=optuna.samplers.TPESampler(seed=3, n_startup_trials=20),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=8),
        )

    simulated, plain = study(), study()
    log = module.simulate(simulated, problem, trials=40)
    plain.optimize(problem, n_trials=40)
    for one, other in zip(simulated.trials, plain.trials, strict=True):
        assert one.params == other.params
        assert one.state == other.state
        assert one.intermediate_values == other.intermediate_values
    assert len({trial.state for trial in plain.trials}) == 3  # complete, pruned, failed
    runs = {number: problem.table.run(number) for number in range(5)}
    takes = [
        runs[trial.user_attrs["candidate"]]["cpu_seconds"].iloc[: (log["trial"] == n).sum()].sum()
        for n, trial in enumerate(simulated.trials)
    ]
    assert log["seconds"].iloc[-1] == pytest.approx(sum(takes))


def test_several_objectives_are_pruned_by_a_function(module, table):
    problem = module.Problem(table=table, objectives=("val_loss", "decoder_params"))
    seen = []

    def stop(trial, values, examples):
        seen.append((trial.number, tuple(values), examples))
        return values[0] > 0.75

    study = queued(problem, (0, 1))
    log = module.simulate(study, problem, trials=2, should_prune=stop)
    assert seen == [(0, (0.9, 10), 100), (1, (0.5, 11), 100), (1, (0.4, 11), 200)]
    assert log["state"].tolist() == ["pruned", "running", "running", "complete"]
    assert [trial.values for trial in study.best_trials] == [[0.3, 11]]
    log = module.simulate(queued(problem, (0, 1)), problem, trials=2)
    assert log["state"].tolist() == ["running", "running", "complete"] * 2


def test_misuse_is_named(module, problem):
    study = optuna.create_study(directions=["maximize"])
    with pytest.raises(ValueError, match="create the study with directions"):
        module.simulate(study, problem, trials=1)
    with pytest.raises(ValueError, match="give a limit"):
        module.simulate(study, problem)
    with pytest.raises(ValueError, match="workers is 0"):
        module.simulate(study, problem, workers=0, trials=1)

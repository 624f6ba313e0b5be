"""A confirmation, whole: who is retrained, what alone reads the test split, what is written."""

import json
import shutil
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_studies import made_data, made_plan

import asymnas.reporting.publish
from asymnas import Architecture, Run, StudyConfig, run_confirmation, run_search
from asymnas.core import columns as t
from asymnas.core.confirmation_config import ConfirmationConfig
from asymnas.core.errors import StudyError
from asymnas.core.sweep_config import SweepConfig
from asymnas.runs.confirmation_plan import open_search, plan_confirmation, plan_control
from asymnas.runs.contenders import choose_contenders, front_members
from asymnas.runs.plan import plan_search
from asymnas.runs.study import open_study
from asymnas.runs.sweep_plan import plan_sweep

from .conftest import Counting, InProcess, executed
from .made_results import Made

pytestmark = [pytest.mark.usefixtures("in_memory"), pytest.mark.slow, pytest.mark.essential]

COMPARED = [
    *(t.TRIAL, t.STATE, t.PHASE, t.CONTENDER, t.CLUSTER, t.REPLICATE, t.TOTAL_PARAMS),
    *(t.LEARNING_RATE, t.EXAMPLES, t.VAL_LOSS, t.TRAIN_LOSS, t.TEST_LOSS),
]
CONTENDERS = ["best", "runner-up 1", "symmetric", "mirror", "reference"]
UNSEARCHED = ["mirror", "reference"]
SEEDS = 2


def wanted(directory: Path, **changes: Any) -> ConfirmationConfig:
    return ConfirmationConfig(
        run_dir=str(directory),
        **{"searches": 1, "seeds": SEEDS, "top": 2, "rates": 1, **changes},
    )


def control_of(config: ConfirmationConfig) -> StudyConfig:
    """The settings of a confirmation's symmetric search."""
    return plan_control(config, open_search(config)).config


def values(directory: Path) -> pd.DataFrame:
    return Run.open(directory / "confirmation").table[COMPARED]


def search_of(directory: Path, **changes: Any) -> StudyConfig:
    """A search of images, for which there is the reference."""
    return StudyConfig(
        **{
            "budget": 12_000,
            "latent": 4,
            "trials": 4,
            "examples": 384,
            "workers": 1,
            "precision": "fp32",
            "sampler": "random",
            "metrics": ("psnr",),  # others take longer than the training
            "objectives": ("val_loss", "total_params"),
            "learning_rates": (1e-3, 1.6e-2),
            "run_dir": str(directory),
            **changes,
        }
    )


@pytest.fixture(scope="module")
def searched(in_memory: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a search and, so that it is run once only, of its control."""
    directory = tmp_path_factory.mktemp("confirmed") / "run"
    run_search(search_of(directory), executor=InProcess())
    return directory


@pytest.fixture(scope="module")
def confirmed(searched: Path) -> tuple[Path, Counting]:
    """The directory of a confirmed search, and the executor that saw the jobs of all its runs."""
    executor = Counting()
    run_confirmation(wanted(searched), executor=executor)
    return searched, executor


@pytest.fixture
def directory(confirmed: tuple[Path, Counting]) -> Path:
    return confirmed[0]


@pytest.fixture
def copy(directory: Path, tmp_path: Path) -> Path:
    """The confirmed search somewhere else, to be changed."""
    moved = tmp_path / "copy"
    shutil.copytree(directory, moved)
    return moved


@pytest.fixture
def published_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes the results of a confirmation but of none of its runs, which would take longer."""
    publish = asymnas.reporting.publish.publish

    def publish_search(run: Run) -> dict[str, Any]:
        beside = run.directory.name in ("control", "confirmation")
        return {} if beside else publish(run)

    monkeypatch.setattr("asymnas.reporting.publish.publish", publish_search)


@pytest.fixture
def unpublished(published_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves all results unwritten."""
    monkeypatch.setattr("asymnas.reporting.publish.publish", lambda run: {})


def test_each_contender_is_trained_with_each_seed(directory: Path) -> None:
    table = values(directory)
    assert set(table[t.PHASE]) == {t.MEASURE}
    assert list(table[t.CONTENDER]) == CONTENDERS * SEEDS
    assert list(table[t.REPLICATE]) == [seed for seed in range(SEEDS) for _ in CONTENDERS]
    assert set(table[t.STATE]) == {"complete"}
    assert set(table[t.EXAMPLES]) == {384}


def test_the_control_is_an_equally_long_symmetric_search(directory: Path) -> None:
    search, control = Run.open(directory), Run.open(directory / "control")
    own = control.table[control.table[t.DUPLICATE_OF].isna()]
    assert len(own) == 4
    for values in own[t.ARCHITECTURE]:
        architecture = Architecture.from_dict(values)
        assert architecture == architecture.mirror()
    unlike = {"name", "run_dir", "symmetric"}
    config, own_config = search.study.config, control.study.config
    assert {name for name in config if config[name] != own_config[name]} == unlike


def test_contenders_are_who_they_are_said_to_be(directory: Path) -> None:
    search, control = Run.open(directory), Run.open(directory / "control")
    table = Run.open(directory / "confirmation").table
    entered = {
        name: Architecture.from_dict(rows.iloc[0][t.ARCHITECTURE])
        for name, rows in table.groupby(t.CONTENDER)
    }
    assert entered["best"] == search.best.architecture
    second = Architecture.from_dict(search.front.iloc[1][t.ARCHITECTURE])
    assert entered["runner-up 1"] == second
    assert entered["symmetric"] == control.best.architecture
    total = entered["best"].counts.total_params
    mirror, reference = entered["mirror"], entered["reference"]
    assert mirror == mirror.mirror()
    assert len(mirror.encoder.channels) == len(entered["best"].encoder.channels)
    assert 0.8 * total < mirror.counts.total_params <= total
    assert 0.8 * 12_000 < reference.counts.total_params <= 12_000
    (begun,) = search.table[search.table[t.PRESET] == "reference"][t.ARCHITECTURE]
    assert reference == Architecture.from_dict(begun)


def test_of_a_search_that_began_with_none_the_reference_is_the_whole_preset(tmp_path: Path) -> None:
    run, _ = executed(plan_search(search_of(tmp_path, enqueue=("none",), trials=3)), Made())
    contenders = choose_contenders(run, run, top=1).contenders
    (reference,) = (c.architecture for c in contenders if c.name == "reference")
    preset = Architecture.preset("reference")
    assert (reference.encoder.kernels, reference.latent) == (preset.encoder.kernels, 4)
    assert 0.8 * 12_000 < reference.counts.total_params <= 12_000


def test_rates_are_the_searches_own_and_untuned_those_of_the_best(directory: Path) -> None:
    search, control = Run.open(directory), Run.open(directory / "control")
    table = Run.open(directory / "confirmation").table
    measured = table[table[t.PHASE] == t.MEASURE]
    rates = measured.groupby(t.CONTENDER)[t.LEARNING_RATE].unique()
    assert all(len(each) == 1 for each in rates)
    assert rates["best"][0] == search.front.iloc[0][t.LEARNING_RATE]
    assert rates["symmetric"][0] == control.front.iloc[0][t.LEARNING_RATE]
    for name in UNSEARCHED:
        assert rates[name][0] == rates["best"][0]


def test_seeds_pair_contenders_and_are_none_of_the_tuning(
    confirmed: tuple[Path, Counting],
) -> None:
    jobs = confirmed[1].jobs
    measured = [job for job in jobs if job.test]
    assert len(measured) == 4 * len(CONTENDERS) * SEEDS
    by_seed = {job.seed: set() for job in measured}
    for job in measured:
        by_seed[job.seed].add(job.architecture.key())
    assert [len(keys) for keys in by_seed.values()] == [len(CONTENDERS)] * SEEDS
    assert not {job.seed for job in jobs if not job.test} & set(by_seed)


def test_the_test_split_is_read_by_what_counts_alone(directory: Path) -> None:
    for run in (Run.open(directory), Run.open(directory / "control")):
        assert not [c for c in run.table if str(c).startswith("test_")]
        assert "test_" not in (run.directory / "summary.json").read_text()
    table = Run.open(directory / "confirmation").table
    counts = table[t.PHASE] == t.MEASURE
    assert table.loc[counts, t.TEST_LOSS].notna().all()
    assert table.loc[~counts, t.TEST_LOSS].isna().all()
    assert (table.loc[counts, t.TEST_LOSS] != table.loc[counts, t.VAL_LOSS]).all()


def test_what_is_written(directory: Path) -> None:
    found = json.loads((directory / "confirmation.json").read_text())
    table = Run.open(directory / "confirmation").table
    measured = table[table[t.PHASE] == t.MEASURE].set_index([t.CONTENDER, t.REPLICATE])
    assert found["seeds"] == SEEDS
    assert [entry["name"] for entry in found["contenders"]] == CONTENDERS
    for entry in found["contenders"]:
        scores = {str(seed): measured.loc[(entry["name"], seed), t.TEST_LOSS] for seed in (0, 1)}
        assert entry["test_loss"] == scores
        assert entry["total_params"] == measured.loc[(entry["name"], 0), t.TOTAL_PARAMS]
        assert set(entry["test_psnr"]) == {"0", "1"}
    assert found["left_out"] == {}
    assert [(c["contender"], c["against"]) for c in found["comparisons"]] == [
        ("best", name) for name in ("symmetric", "mirror", "reference")
    ]
    assert (directory / "report.html").is_file()
    assert Run.open(directory).summary["best"]
    assert (directory / "confirmation" / "confirmation.json").is_file()


def test_too_few_seeds_decide_nothing(directory: Path) -> None:
    found = json.loads((directory / "confirmation.json").read_text())
    assert {c["outcome"] for c in found["comparisons"]} == {"undecided"}
    assert {c["pairs"] for c in found["comparisons"]} == {SEEDS}
    assert len(found["verdict"]) == 5  # a single pair of searches, three comparisons, the sizes
    assert any("6" in sentence or "six" in sentence for sentence in found["verdict"])


@pytest.mark.usefixtures("published_once")
def test_more_seeds_only_add(copy: Path) -> None:
    before = values(copy)
    executor = Counting()
    run_confirmation(wanted(copy, seeds=3), executor=executor)
    after = values(copy)
    pd.testing.assert_frame_equal(after.head(len(before)), before)
    assert len(after) == len(before) + len(CONTENDERS)
    assert len(executor.jobs) == 4 * len(CONTENDERS)
    found = json.loads((copy / "confirmation.json").read_text())
    assert found["seeds"] == 3
    assert [len(entry["test_loss"]) for entry in found["contenders"]] == [3] * len(CONTENDERS)


def test_what_is_no_search_is_refused(tmp_path: Path, directory: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(StudyError, match="holds no run"):
            run_confirmation(wanted(path), executor=InProcess())
    study = search_of(tmp_path / "sweep", family="dense", latent=8)
    sweep = SweepConfig(study=study, budgets=(4_000,), shares=3, structures=3, screen=1)
    executed(plan_sweep(sweep), executor=Counting(stop_at=0))
    with pytest.raises(StudyError, match="holds a sweep: give the directory of a search"):
        run_confirmation(wanted(tmp_path / "sweep"), executor=InProcess())
    with pytest.raises(StudyError, match="holds a confirmation"):
        run_confirmation(wanted(directory / "confirmation"), executor=InProcess())


def test_a_search_without_a_finished_trial_is_refused(tmp_path: Path) -> None:
    executed(plan_search(search_of(tmp_path)), executor=Counting(stop_at=1))
    with pytest.raises(StudyError, match="continue the search first"):
        run_confirmation(wanted(tmp_path), executor=InProcess())
    assert not (tmp_path / "control").exists()


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A table of 400 rows, eight columns that two numbers make."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(400, 2))
    data = pd.DataFrame(np.tanh(z @ rng.normal(size=(2, 8))))
    data.to_csv(tmp_path / "rows.csv", index=False, header=[f"x{i}" for i in range(8)])
    return tmp_path / "rows.csv"


def rows_search(directory: Path, rows: Path, **changes: Any) -> StudyConfig:
    own = {"dataset": f"csv:{rows}", "budget": 800, "latent": 2, "trials": 2, "pruner": "none"}
    return search_of(directory, **{**own, **changes})


@pytest.mark.usefixtures("unpublished")
def test_a_confirmation_stopped_in_each_phase_equals_an_uninterrupted_one(
    rows: Path, tmp_path: Path, in_process: Executor
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for directory in (whole, broken):
        run_search(rows_search(directory, rows), executor=in_process)
    config, stops = {"top": 1, "rates": 2}, set()
    run_confirmation(wanted(whole, **config), executor=in_process)
    while True:
        executor = Counting(stop_at=7)
        run_confirmation(wanted(broken, **config), executor=executor)
        if len(executor.jobs) < 7:
            break
        begun = (broken / "confirmation").exists()
        stops.add(Run.open(broken / "confirmation").table[t.PHASE].iloc[-1] if begun else None)
    assert stops == {None, t.TUNING, t.MEASURE}
    pd.testing.assert_frame_equal(values(broken), values(whole))


@pytest.mark.usefixtures("unpublished")
def test_contenders_stay_when_the_search_goes_on(
    rows: Path, tmp_path: Path, in_process: Executor
) -> None:
    run_search(rows_search(tmp_path / "run", rows), executor=in_process)
    run_confirmation(wanted(tmp_path / "run", top=1, seeds=1), executor=in_process)
    before, best = values(tmp_path / "run"), Run.open(tmp_path / "run").best.trial
    for trials in range(6, 40, 4):  # until the best is another
        run_search(rows_search(tmp_path / "run", rows, trials=trials), executor=in_process)
        if Run.open(tmp_path / "run").best.trial != best:
            break
    with pytest.raises(StudyError, match="the search has gone on") as caught:
        run_confirmation(wanted(tmp_path / "run", top=1, seeds=2), executor=in_process)
    assert "--fresh" in str(caught.value)
    pd.testing.assert_frame_equal(values(tmp_path / "run"), before)
    run_confirmation(wanted(tmp_path / "run", top=1, seeds=1), executor=in_process, fresh=True)
    table = Run.open(tmp_path / "run" / "confirmation").table
    entered = Architecture.from_dict(table[table[t.CONTENDER] == "best"].iloc[0][t.ARCHITECTURE])
    assert entered == Run.open(tmp_path / "run").best.architecture


@pytest.mark.usefixtures("published_once")
def test_rows_have_no_reference_and_say_why(rows: Path, tmp_path: Path) -> None:
    search = rows_search(tmp_path / "run", rows)
    run_search(search, executor=InProcess())
    run_confirmation(wanted(tmp_path / "run", top=1, seeds=1), executor=InProcess())
    found = json.loads((tmp_path / "run" / "confirmation.json").read_text())
    assert [entry["name"] for entry in found["contenders"]] == ["best", "symmetric", "mirror"]
    assert list(found["left_out"]) == ["reference"]
    assert "there is none for such data" in found["left_out"]["reference"]
    assert [c["against"] for c in found["comparisons"]] == ["symmetric", "mirror"]


def test_a_search_is_not_confirmed_on_data_that_changed(tmp_path: Path) -> None:
    open_study(made_plan(tmp_path)).lease.release()
    search = Run.open(tmp_path)
    with pytest.raises(StudyError, match="the content of the training split changed"):
        plan_confirmation(wanted(tmp_path), search, search, (), made_data(value=8))


@pytest.mark.usefixtures("published_once")
def test_a_symmetric_search_is_refused(rows: Path, tmp_path: Path) -> None:
    run_search(rows_search(tmp_path / "run", rows, symmetric=True), executor=InProcess())
    with pytest.raises(StudyError, match="would be its own control"):
        run_confirmation(wanted(tmp_path / "run"), executor=InProcess())


@pytest.mark.usefixtures("published_once")
def test_a_fresh_search_is_confirmed_anew(rows: Path, tmp_path: Path) -> None:
    search = rows_search(tmp_path / "run", rows)
    run_search(search, executor=InProcess())
    run_confirmation(wanted(tmp_path / "run", top=1, seeds=1), executor=InProcess())
    anew = replace(search, budget=900)
    run_search(anew, executor=InProcess(), fresh=True)
    for name in ("control", "confirmation", "confirmation.json"):  # they were of another search
        assert not (tmp_path / "run" / name).exists()
    run_confirmation(wanted(tmp_path / "run", top=1, seeds=1), executor=InProcess())


def test_machine_settings_are_given_anew(directory: Path) -> None:
    config = control_of(wanted(directory, workers=3, device="cpu", timeout=60.0))
    assert (config.workers, config.device, config.timeout) == (3, "cpu", 60.0)
    assert config.trials == 4
    config = control_of(wanted(directory))
    assert (config.workers, config.timeout) == (1, None)


def test_a_timeout_of_the_search_is_not_the_confirmations(
    tmp_path: Path, in_process: Executor, unpublished: None
) -> None:
    run_search(replace(search_of(tmp_path), trials=1, timeout=500.0), executor=in_process)
    assert control_of(wanted(tmp_path)).timeout is None


def test_contenders_of_a_search_on_a_ladder_are_of_the_best_ones_budget(
    small: StudyConfig,
) -> None:
    run, _ = executed(plan_search(replace(small, trials=24)), Made())
    members = front_members(run, 3)
    totals = [member.architecture.counts.total_params for member in members]
    assert min(totals) >= 0.97 * small.budget
    complete = run.table[run.table[t.STATE] == "complete"]
    whole = complete[complete[t.BUDGET] == small.budget].sort_values(t.VAL_LOSS)
    assert [m.architecture.to_dict() for m in members] == list(whole[t.ARCHITECTURE].head(3))
    assert members[0].architecture == run.best.architecture

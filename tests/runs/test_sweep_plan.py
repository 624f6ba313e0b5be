"""A sweep, whole: what it trains, in which order, and that a stop anywhere changes nothing."""

from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pandas as pd
import pytest

from asymnas import Run, StudyConfig, run_search, run_sweep
from asymnas.core import columns as t
from asymnas.core.config import SweepConfig
from asymnas.core.errors import BudgetError, ConfigError, StudyError
from asymnas.runs.coordinator import Snapshot
from asymnas.runs.sweep_plan import plan_sweep

from .conftest import Counting, InProcess, executed

COMPARED = [
    *(t.TRIAL, t.STATE, t.PHASE, t.BUDGET, t.TARGET_SHARE, t.CLUSTER, t.REPLICATE),
    *(t.TOTAL_PARAMS, t.DECODER_SHARE, t.LEARNING_RATE, t.EXAMPLES, t.VAL_LOSS, t.TRAIN_LOSS),
]
SEEN = 768  # examples of a run that counts: four rungs
SHORT = 128  # of one that does not: two rungs
DESIGN = {"shares": 3, "share_range": (0.2, 0.8), "architectures": 1, "screen": 2, "rates": 2}
SCREENING = TUNING = MEASURE = 6  # runs of each phase of the sweep below


def sweep_of(directory: Path, **changes: Any) -> SweepConfig:
    """Dense autoencoders of digits: 3 shares of one budget, 2 seeds."""
    study = StudyConfig(
        family="dense",
        latent=8,
        examples=SEEN,
        workers=1,
        precision="fp32",
        run_dir=str(directory),
    )
    study = replace(study, **changes.pop("study", {}))
    return SweepConfig(study=study, **{"budgets": (4_000,), "seeds": 2, **DESIGN, **changes})


def values(run: Run) -> pd.DataFrame:
    return run.table[COMPARED]


def phase(run: Run, name: str) -> pd.DataFrame:
    return run.table[run.table[t.PHASE] == name]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Counting]:
    """A sweep that nothing interrupted, and the executor that saw its jobs."""
    executor = Counting()
    run = run_sweep(sweep_of(tmp_path_factory.mktemp("whole") / "run"), executor=executor)
    return run, executor


@pytest.fixture
def whole(trained: tuple[Run, Counting]) -> Run:
    return trained[0]


@pytest.fixture
def unpublished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the results unwritten, which take longer than the training here."""
    monkeypatch.setattr("asymnas.reporting.publish.publish", lambda run: {})


def test_trains_exactly_what_the_plan_says(whole: Run, tmp_path: Path) -> None:
    plan = plan_sweep(sweep_of(tmp_path))
    assert (plan.screening_runs, plan.tuning_runs, plan.runs) == (SCREENING, TUNING, MEASURE)
    phases = [t.SCREENING] * SCREENING + [t.TUNING] * TUNING + [t.MEASURE] * MEASURE
    assert list(whole.table[t.PHASE]) == phases
    assert plan.config.trials == len(phases)
    assert set(whole.table[t.STATE]) == {"complete"}
    assert whole.table[t.DUPLICATE_OF].isna().all()
    assert plan.examples == whole.table[t.EXAMPLES].sum()
    assert whole.study.purpose == "sweep"


def test_short_runs_see_fewer_examples_on_a_schedule_of_their_own(
    trained: tuple[Run, Counting],
) -> None:
    run, executor = trained
    assert set(phase(run, t.MEASURE)[t.EXAMPLES]) == {SEEN}
    assert set(phase(run, t.SCREENING)[t.EXAMPLES]) == {SHORT}
    assert set(phase(run, t.TUNING)[t.EXAMPLES]) == {SHORT}
    totals = [job.total for job in executor.jobs]
    short = 2 * (SCREENING + TUNING)
    assert totals == [2] * short + [12] * 4 * MEASURE


def test_what_counts_are_the_best_structures_at_the_best_rates(whole: Run) -> None:
    plan = plan_sweep(sweep_of(whole.directory))
    screened = phase(whole, t.SCREENING).sort_values(t.VAL_LOSS)
    chosen = sorted(screened.groupby(t.TARGET_SHARE)[t.CLUSTER].first())
    assert len(chosen) == 3
    assert set(phase(whole, t.TUNING)[t.CLUSTER]) == set(phase(whole, t.MEASURE)[t.CLUSTER])
    assert set(phase(whole, t.MEASURE)[t.CLUSTER]) == set(chosen)
    assert sorted(set(phase(whole, t.SCREENING)[t.CLUSTER])) == list(range(6))
    assert phase(whole, t.SCREENING)[t.LEARNING_RATE].unique() == pytest.approx([0.01])
    assert sorted(set(phase(whole, t.TUNING)[t.LEARNING_RATE])) == list(plan.rates) == [1e-3, 0.1]
    tuned = phase(whole, t.TUNING).sort_values(t.VAL_LOSS)
    rates = tuned.groupby(t.CLUSTER)[t.LEARNING_RATE].first()  # one architecture per share
    for _, row in phase(whole, t.MEASURE).iterrows():
        assert row[t.LEARNING_RATE] == rates[row[t.CLUSTER]]


def test_every_run_is_labelled_and_shows_what_was_drawn(whole: Run) -> None:
    cells = {cell.cluster: cell for cell in plan_sweep(sweep_of(whole.directory)).cells}
    for _, row in whole.table.iterrows():
        cell = cells[row[t.CLUSTER]]
        assert (row[t.BUDGET], row[t.TARGET_SHARE]) == (cell.budget, cell.share)
        assert row[t.ARCHITECTURE] == cell.architecture.to_dict()
        assert 0.99 * 4_000 <= row[t.TOTAL_PARAMS] <= 4_000
        drawn = {name: row[t.DRAWN + name] for name in cell.drawn}
        assert drawn == cell.drawn
        assert row[t.DRAWN + "decoder_share"] == pytest.approx(row[t.DECODER_SHARE])
        assert row[t.DRAWN + "learning_rate"] == pytest.approx(row[t.LEARNING_RATE])


def test_seeds_are_outermost_and_pair_all_architectures(trained: tuple[Run, Counting]) -> None:
    run, executor = trained
    measured = phase(run, t.MEASURE)
    assert list(measured[t.REPLICATE]) == [0, 0, 0, 1, 1, 1]
    assert list(measured[t.CLUSTER])[:3] == list(measured[t.CLUSTER])[3:]
    seeds = [job.seed for job in executor.jobs[-4 * MEASURE :]]
    assert len(set(seeds[:12])) == len(set(seeds[12:])) == 1
    assert seeds[0] != seeds[-1]
    assert measured[t.VAL_LOSS].nunique() == MEASURE


def test_the_test_split_is_not_read(trained: tuple[Run, Counting]) -> None:
    run, executor = trained
    assert not [column for column in run.table if str(column).startswith("test_")]
    assert not any(job.test for job in executor.jobs)


def test_results_are_written(whole: Run) -> None:
    (entry,) = whole.summary["decoder_share"]
    assert entry["budget"] == 4_000
    assert whole.summary["trials"]["complete"] == SCREENING + TUNING + MEASURE
    assert (whole.directory / "report.html").is_file()
    assert len(pd.read_csv(whole.directory / "trials.csv")) == len(whole.table)


@pytest.mark.usefixtures("unpublished")
@pytest.mark.slow
@pytest.mark.essential
def test_a_sweep_again_is_the_same_with_more_workers(
    whole: Run, tmp_path: Path, in_process: Executor
) -> None:
    again = sweep_of(tmp_path, study={"workers": 2})
    pd.testing.assert_frame_equal(values(run_sweep(again, executor=in_process)), values(whole))


def test_another_seed_is_another_design(whole: Run, tmp_path: Path) -> None:
    one, other = (
        plan_sweep(sweep_of(tmp_path, study={"seed": seed})).cells[0].drawn for seed in (0, 1)
    )
    assert one != other


SHORT_RUNGS = 2 * (SCREENING + TUNING)


@pytest.mark.parametrize(
    ("rungs", "workers"),
    [(5, 1), (2 * SCREENING + 7, 2), (SHORT_RUNGS, 1), (SHORT_RUNGS + 1, 2), (SHORT_RUNGS + 14, 1)],
)
@pytest.mark.usefixtures("unpublished")
@pytest.mark.slow
@pytest.mark.essential
def test_a_continued_sweep_equals_an_uninterrupted_one(
    whole: Run, tmp_path: Path, in_process: Executor, rungs: int, workers: int
) -> None:
    plan = plan_sweep(sweep_of(tmp_path, study={"workers": workers}))
    stopped, ending = executed(plan, executor=Counting(stop_at=rungs))
    assert ending == "interrupted"
    assert len(stopped.table) < len(whole.table)
    run, ending = executed(plan, executor=in_process)
    assert ending == "finished"
    pd.testing.assert_frame_equal(values(run), values(whole))


@pytest.mark.slow
@pytest.mark.essential
def test_a_sweep_that_a_crash_cut_off_between_storing_and_starting_a_trial_goes_on(
    whole: Run, tmp_path: Path, in_process: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_sweep(sweep_of(tmp_path))
    for number in (0, SCREENING + 1, SCREENING + TUNING + 2):
        real = optuna.Study.ask

        def cut_off(self: optuna.Study, number: int = number, real: Any = real) -> Any:
            if len(self.trials) == number + 1:
                raise KeyboardInterrupt
            return real(self)

        with monkeypatch.context() as patched:
            patched.setattr(optuna.Study, "ask", cut_off)
            run, ending = executed(plan, executor=in_process)
            assert ending == "interrupted"
        assert (run.table[t.STATE] == "complete").sum() == number
    pd.testing.assert_frame_equal(values(executed(plan, executor=in_process)[0]), values(whole))


def test_a_list_that_the_version_before_began_goes_on(
    whole: Run, tmp_path: Path, in_process: Executor
) -> None:
    """It called the sampler `Listed`, and drew and described a trial after it was asked for."""
    plan = plan_sweep(sweep_of(tmp_path))
    run, _ = executed(plan, executor=Counting(stop_at=5))
    study = run.study.optuna
    for name in ("asymnas:pinned", "asymnas:config"):
        study.set_user_attr(name, {**study.user_attrs[name], "sampler": "Listed"})
    run, ending = executed(plan, executor=Counting(stop_at=3))
    assert ending == "interrupted"
    run.study.optuna.ask()  # as it was when killed between asking and describing
    with pytest.raises(StudyError, match="cut off by an earlier version") as caught:
        executed(plan, executor=in_process)
    assert "asymnas.report" in str(caught.value)
    assert "--fresh" in str(caught.value)
    assert len(Run.open(tmp_path).table) == len(run.table)


@pytest.mark.usefixtures("unpublished")
@pytest.mark.slow
@pytest.mark.essential
def test_more_seeds_only_add(whole: Run, tmp_path: Path) -> None:
    run_sweep(sweep_of(tmp_path, seeds=1), executor=Counting())
    more = Counting()
    seen: list[Snapshot] = []
    run = run_sweep(sweep_of(tmp_path, seeds=2), executor=more, observe=seen.append)
    pd.testing.assert_frame_equal(values(run), values(whole))
    assert len(more.jobs) == 3 * 4
    assert seen[-1].finished == seen[-1].wanted == len(whole.table)
    assert run.study.design["seeds"] == 2
    idle = Counting()
    run_sweep(sweep_of(tmp_path, seeds=2), executor=idle)
    assert idle.jobs == []


@pytest.fixture
def begun(tmp_path: Path, unpublished: None) -> Path:
    """The directory of a sweep that has only begun."""
    executed(plan_sweep(sweep_of(tmp_path / "run")), executor=Counting(stop_at=1))
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rates": 3}, "rates was 2, now 3"),
        ({"shares": 2}, r"shares was \[0.2, 0.5, 0.8\], now \[0.2, 0.8\]"),
        ({"budgets": (3_000, 4_000)}, r"budgets was \[4000\], now \[3000, 4000\]"),
        ({"architectures": 2}, "architectures was 1, now 2"),
        ({"screen": 1}, "screen was 2, now 1"),
        ({"study": {"latent": 4}}, "latent was 8, now 4"),
        ({"study": {"seed": 4}}, "seed was 0, now 4"),
        ({"study": {"name": "other"}}, "holds the study 'digits', not 'other'"),
    ],
)
def test_another_design_is_refused_and_says_what_differs(
    begun: Path, in_process: Executor, change: dict[str, Any], words: str
) -> None:
    before = (begun / "study.db").read_bytes()
    with pytest.raises(StudyError, match=words) as caught:
        run_sweep(sweep_of(begun, **change), executor=in_process)
    assert "--fresh" in str(caught.value)
    assert (begun / "study.db").read_bytes() == before


@pytest.mark.usefixtures("unpublished")
def test_fresh_starts_another_design(begun: Path, in_process: Executor) -> None:
    plan = sweep_of(begun, screen=1, rates=1, seeds=1)
    run = run_sweep(plan, executor=in_process, fresh=True)
    assert list(run.table[t.PHASE]) == [t.MEASURE] * 3
    assert run.table[t.LEARNING_RATE].to_list() == pytest.approx([0.01] * 3)


def test_a_search_and_a_sweep_do_not_share_a_directory(begun: Path, tmp_path: Path) -> None:
    search = replace(sweep_of(begun).study, budget=4_000, trials=2)
    with pytest.raises(StudyError, match="purpose was 'sweep', now 'search'"):
        run_search(search, executor=InProcess())
    searched = replace(search, run_dir=str(tmp_path / "search"))
    run_search(searched, executor=InProcess())
    with pytest.raises(StudyError, match="purpose was 'search', now 'sweep'"):
        run_sweep(sweep_of(tmp_path / "search"), executor=InProcess())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that the executor turns, a second a rung."""
    now = SimpleNamespace(seconds=0.0)
    fake = SimpleNamespace(monotonic=lambda: now.seconds)
    monkeypatch.setattr("asymnas.runs.execute.time", fake)
    monkeypatch.setattr("asymnas.runs.coordinator.time", fake)
    return now


class Slow(Counting):
    """Takes a second a rung."""

    def __init__(self, clock: SimpleNamespace) -> None:
        super().__init__()
        self._clock = clock

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._clock.seconds += 1
        return super().submit(fn, *args, **kwargs)


@pytest.mark.usefixtures("unpublished")
@pytest.mark.slow
@pytest.mark.essential
def test_the_time_is_for_all_phases_together(
    whole: Run, tmp_path: Path, clock: SimpleNamespace
) -> None:
    plan = plan_sweep(sweep_of(tmp_path, study={"timeout": 2 * SCREENING + 4.5}))
    run, ending = executed(plan, executor=Slow(clock))
    assert ending == "timeout"
    assert phase(run, t.SCREENING)[t.STATE].eq("complete").all()
    assert (phase(run, t.TUNING)[t.STATE] == "complete").sum() == 2
    assert phase(run, t.MEASURE).empty
    starts = 1
    while ending == "timeout":
        run, ending = executed(plan, executor=Slow(clock))
        starts += 1
    assert starts == 3
    assert clock.seconds == 48 + 2  # at each time-out a rung in flight is lost
    pd.testing.assert_frame_equal(values(run), values(whole))


class Failing(Counting):
    """Loses the runs that a condition holds for."""

    def __init__(self, condition: Any) -> None:
        super().__init__()
        self._condition = condition

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if not self._condition(args[0]):
            return super().submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        future.set_exception(MemoryError("no room"))
        return future


@pytest.mark.usefixtures("unpublished")
def test_a_rate_that_fails_is_not_taken_and_failed_runs_count(tmp_path: Path) -> None:
    run = run_sweep(sweep_of(tmp_path), executor=Failing(lambda job: job.learning_rate > 0.01))
    assert len(run.table) == SCREENING + TUNING + MEASURE
    tuning, measured = phase(run, t.TUNING), phase(run, t.MEASURE)
    assert (tuning[t.STATE] == "failed").sum() == TUNING // 2
    assert set(measured[t.LEARNING_RATE]) == {1e-3}
    assert set(measured[t.STATE]) == {"complete"}


def test_a_sweep_whose_runs_all_fail_stops_and_goes_on_when_that_is_mended(
    whole: Run, tmp_path: Path, in_process: Executor
) -> None:
    plan = plan_sweep(sweep_of(tmp_path))
    with pytest.raises(StudyError, match="MemoryError: no room"):
        executed(plan, executor=Failing(lambda job: True))
    assert (Run.open(tmp_path).table[t.STATE] == "failed").sum() == 0
    pd.testing.assert_frame_equal(values(executed(plan, executor=in_process)[0]), values(whole))


def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match="hardly any dense architecture of 1,300 parameters"):
        plan_sweep(sweep_of(tmp_path / "run", budgets=(1_300,), share_range=(0.05, 0.95)))
    with pytest.raises(ConfigError, match="no family is called"):
        plan_sweep(sweep_of(tmp_path / "run", study={"family": "resnet"}))
    assert not (tmp_path / "run").exists()

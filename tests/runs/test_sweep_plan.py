"""A sweep, whole: what it trains, in which order, and that a stop anywhere changes nothing."""

import math
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.trial import FrozenTrial

from asymnas import Run, StudyConfig, run_search, run_sweep
from asymnas.core import columns as t
from asymnas.core.errors import ConfigError, StudyError
from asymnas.core.sweep_config import SweepConfig
from asymnas.runs.snapshot import Snapshot
from asymnas.runs.study import SearchStudy
from asymnas.runs.sweep_plan import plan_sweep
from asymnas.training.rung import Job, RungResult

from .conftest import InProcess, executed
from .made_results import Made, luck

pytestmark = pytest.mark.usefixtures("in_memory")

BUDGET = 4_000
SEEN = 256  # examples of a run that counts, three rungs
THIRDS = [1 / 3, 0.5, 2 / 3]
SMALL = {"shares": 3, "share_range": (1 / 3, 2 / 3), "structures": 3, "horizons": 0, "rates": 1}
BLOCK = 4  # runs of a structure and seed: three shares and the mirrored decoder
COMPARED = [
    *(t.TRIAL, t.STATE, t.PHASE, t.BUDGET, t.TARGET_SHARE, t.STRUCTURE, t.CLUSTER, t.MIRRORED),
    *(t.REPLICATE, t.TOTAL_PARAMS, t.DECODER_SHARE, t.LEARNING_RATE, t.RATE_RATIO, t.EXAMPLES),
    t.VAL_LOSS,
]

BEST_RATE = 0.011  # at a decoder share of one half


def made_loss(job: Job) -> float:
    """Structures differ by far more than shares; the best rate rises with the decoder's share."""
    share = job.architecture.decoder_share
    odds = math.log(share / (1 - share))
    structure = 0.3 * len(job.architecture.encoder.widths) + 0.2 * len(
        job.architecture.decoder.widths
    )
    rate = math.log(job.learning_rate / BEST_RATE) - odds / 4
    ratio = math.log(job.rate_ratio / 3)
    return math.exp(
        structure
        + 0.05 * (odds - 0.8) ** 2
        + 0.10 * rate**2
        + 0.05 * ratio**2
        + 0.02 * luck(job)
        - 0.1 * math.log(job.total)
    )


def made_sweep(job: Job) -> RungResult:
    loss = made_loss(job)
    metrics = {t.VAL_LOSS: loss, **dict.fromkeys(job.metrics, loss)}
    return RungResult(metrics={**metrics, t.TRAIN_LOSS: loss} if job.last else metrics)


def sweep_of(directory: Path, **changes: Any) -> SweepConfig:
    """Dense autoencoders of digits at one budget."""
    study = StudyConfig(
        family="dense",
        latent=8,
        examples=SEEN,
        workers=1,
        precision="fp32",
        run_dir=str(directory),
    )
    study = replace(study, **changes.pop("study", {}))
    return SweepConfig(study=study, **{"budgets": (BUDGET,), "seeds": 2, **SMALL, **changes})


def values(run: Run) -> pd.DataFrame:
    return run.table[COMPARED]


def phase(run: Run, name: str) -> pd.DataFrame:
    return run.table[run.table[t.PHASE] == name]


@pytest.fixture(autouse=True)
def unpublished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the results unwritten, which takes longer than the runs here."""
    monkeypatch.setattr("asymnas.reporting.publish.publish", lambda run: {})


WHOLE = {
    "shares": 5,
    "share_range": (0.2, 0.8),
    "screen": 2,
    "rates": 3,
    "horizons": 1,
}


@pytest.fixture(scope="module")
def made(in_memory: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Made]:
    """A sweep with every phase, and the executor that saw its jobs."""
    executor = Made(made_sweep)
    plan = plan_sweep(sweep_of(tmp_path_factory.mktemp("whole") / "run", **WHOLE))
    return executed(plan, executor)[0], executor


@pytest.fixture
def whole(made: tuple[Run, Made]) -> Run:
    return made[0]


def test_phases_follow_one_another(whole: Run) -> None:
    order = [name for name, _ in _runs_of(whole.table[t.PHASE])]
    assert order == [t.SCREENING, t.TUNING, t.MEASURE, t.HORIZON_CHECK, t.MEASURE]
    assert set(whole.table[t.STATE]) == {"complete"}
    assert whole.table[t.DUPLICATE_OF].isna().all()
    assert whole.study.purpose == "sweep"


def _runs_of(names: pd.Series) -> list[tuple[str, int]]:
    blocks = names.ne(names.shift()).cumsum()
    return [(rows.iloc[0], len(rows)) for _, rows in names.groupby(blocks)]


def test_no_share_chooses_the_structures(whole: Run) -> None:
    screened = phase(whole, t.SCREENING)
    assert screened.groupby(t.STRUCTURE)[t.TARGET_SHARE].apply(set).map(len).eq(3).all()
    scores = screened.assign(log=np.log(screened[t.VAL_LOSS])).groupby(t.STRUCTURE)["log"].mean()
    best = set(scores.nsmallest(3).index)
    first = phase(whole, t.MEASURE).query("wave == 0")
    assert set(first[t.STRUCTURE]) == best
    assert len(scores) == 6


def test_every_structure_is_trained_at_every_share_and_mirrored(whole: Run) -> None:
    first = phase(whole, t.MEASURE).query("wave == 0")
    for _, block in first.groupby(t.STRUCTURE):
        own, mirrored = (
            block[~block[t.MIRRORED].astype(bool)],
            block[block[t.MIRRORED].astype(bool)],
        )
        assert sorted(own[t.TARGET_SHARE]) == pytest.approx([0.2, *THIRDS, 0.8], abs=1e-4)
        assert list(mirrored[t.TARGET_SHARE]) == [0.5]
        assert (block[t.TOTAL_PARAMS] <= BUDGET).all()
        assert (block[t.TOTAL_PARAMS] >= 0.99 * BUDGET).all()
        depths = {
            tuple(len(a[side]["widths"]) for side in ("encoder", "decoder"))
            for a in own[t.ARCHITECTURE]
        }
        assert len(depths) == 1
        (control,) = mirrored[t.ARCHITECTURE]
        assert control["decoder"] == control["encoder"]
    assert first[t.CLUSTER].is_unique


def test_rates_are_tuned_until_the_best_is_inside_and_nothing_is_run_twice(whole: Run) -> None:
    tuning = phase(whole, t.TUNING)
    assert set(tuning[t.EXAMPLES]) == {SEEN // 2}
    assert not tuning.duplicated([t.CLUSTER, t.LEARNING_RATE, t.RATE_RATIO]).any()
    for _, group in tuning.groupby(t.CLUSTER):
        plain = group[group[t.RATE_RATIO] == 1]
        best = plain.loc[plain[t.VAL_LOSS].idxmin(), t.LEARNING_RATE]
        rates = sorted(plain[t.LEARNING_RATE])
        assert rates[0] < best < rates[-1]
        assert np.allclose(np.diff(np.log2(rates)), 1)
        best = group.loc[group[t.VAL_LOSS].idxmin(), t.RATE_RATIO]
        ratios = sorted(group[t.RATE_RATIO])
        assert ratios[0] < best < ratios[-1]


def test_measured_rates_are_the_best_as_a_function_of_the_share(whole: Run) -> None:
    measured = phase(whole, t.MEASURE)
    for _, row in measured.iterrows():
        share = min(max(row[t.TARGET_SHARE], 1 / 3), 2 / 3)  # beyond those tuned: as at the last
        best = BEST_RATE * (share / (1 - share)) ** 0.25
        assert row[t.LEARNING_RATE] == pytest.approx(best, rel=0.15)
        assert row[t.RATE_RATIO] == pytest.approx(3, rel=0.25)
    assert measured.groupby(t.TARGET_SHARE)[t.LEARNING_RATE].nunique().eq(1).all()


def test_a_few_structures_are_trained_shorter_and_longer(whole: Run) -> None:
    check = phase(whole, t.HORIZON_CHECK)
    assert check[t.STRUCTURE].nunique() == 1
    assert sorted(check[t.HORIZON].unique()) == [0.25, 4]
    assert (check[t.EXAMPLES] == check[t.HORIZON] * SEEN).all()
    assert check.groupby(t.HORIZON).size().eq(5).all()


def test_later_waves_hold_as_many_runs_as_seeds_say(whole: Run) -> None:
    measured = phase(whole, t.MEASURE)
    assert list(measured[t.WAVE].drop_duplicates()) == [0, 1, 2]
    assert len(measured) == 2 * 3 * 6
    assert not measured.duplicated([t.CLUSTER, t.REPLICATE]).any()


def test_the_plan_says_how_many(whole: Run, tmp_path: Path) -> None:
    parts = {part.name: part for part in plan_sweep(sweep_of(tmp_path, **WHOLE)).parts}
    assert parts["choosing structures"].runs == len(phase(whole, t.SCREENING))
    assert parts["measuring"].runs == len(phase(whole, t.MEASURE))
    assert parts["training 4 times as long"].examples == 5 * 4 * SEEN
    tuning = parts["tuning learning rates"]
    assert not tuning.exact
    assert 0.5 < tuning.runs / len(phase(whole, t.TUNING)) < 1.5


def test_seeds_pair_all_architectures(made: tuple[Run, Made]) -> None:
    run, executor = made
    seeds = {job.losses.name: job.seed for job in executor.jobs if job.losses is not None}
    measured = phase(run, t.MEASURE)
    by_replicate = [
        {seeds[f"trial_{number:05d}.npz"] for number in rows[t.TRIAL]}
        for _, rows in measured.groupby(t.REPLICATE)
    ]
    assert all(len(own) == 1 for own in by_replicate)
    assert len(set.union(*by_replicate)) == len(by_replicate)


def test_every_run_shows_what_was_drawn(whole: Run) -> None:
    for _, row in whole.table.iterrows():
        assert row[t.DRAWN + "decoder_share"] == pytest.approx(row[t.DECODER_SHARE])
        assert row[t.DRAWN + "learning_rate"] == pytest.approx(row[t.LEARNING_RATE])
        if not row[t.MIRRORED]:
            widths = row[t.ARCHITECTURE]["decoder"]["widths"]
            assert row[t.DRAWN + "decoder_depth"] == len(widths)


def test_the_test_split_is_not_read(made: tuple[Run, Made]) -> None:
    run, executor = made
    assert not [column for column in run.table if str(column).startswith("test_")]
    assert not any(job.test for job in executor.jobs)


@pytest.mark.parametrize(
    ("rungs", "workers"),
    [
        pytest.param(9, 1),
        pytest.param(60, 2, marks=pytest.mark.essential),
        pytest.param(95, 1),
        pytest.param(150, 2, marks=pytest.mark.essential),
        pytest.param(165, 1),
    ],
)
@pytest.mark.slow
def test_a_continued_sweep_equals_an_uninterrupted_one(
    whole: Run, tmp_path: Path, rungs: int, workers: int
) -> None:
    plan = plan_sweep(sweep_of(tmp_path, **WHOLE, study={"workers": workers}))
    stopped, ending = executed(plan, Made(made_sweep, stop_at=rungs))
    assert ending == "interrupted"
    assert len(stopped.table) < len(whole.table)
    run, ending = executed(plan, Made(made_sweep))
    assert ending == "finished"
    pd.testing.assert_frame_equal(values(run), values(whole))


@pytest.mark.parametrize("number", [0, 11])
@pytest.mark.slow
@pytest.mark.essential
def test_a_sweep_that_a_crash_cut_off_just_when_a_trial_was_stored_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    whole, _ = executed(plan_sweep(sweep_of(tmp_path / "whole", screen=1)), Made(made_sweep))
    plan = plan_sweep(sweep_of(tmp_path / "run", screen=1))
    real = SearchStudy.add_running

    def cut_off(self: SearchStudy, trial: FrozenTrial) -> int:
        if real(self, trial) == number:
            raise KeyboardInterrupt
        return len(self.optuna.trials) - 1

    with monkeypatch.context() as patched:
        patched.setattr(SearchStudy, "add_running", cut_off)
        run, ending = executed(plan, Made(made_sweep))
    assert ending == "interrupted"
    assert (run.table[t.STATE] == "complete").sum() == number
    pd.testing.assert_frame_equal(values(executed(plan, Made(made_sweep))[0]), values(whole))


@pytest.mark.slow
@pytest.mark.essential
def test_more_seeds_only_add(tmp_path: Path) -> None:
    one, two = (
        executed(plan_sweep(sweep_of(tmp_path / name, screen=1, seeds=2)), Made(made_sweep))[0]
        for name in ("one", "two")
    )
    pd.testing.assert_frame_equal(values(one), values(two))
    more = Made(made_sweep)
    seen: list[Snapshot] = []
    run = run_sweep(
        sweep_of(tmp_path / "two", screen=1, seeds=3), executor=more, observe=seen.append
    )
    pd.testing.assert_frame_equal(values(run).head(len(one.table)), values(one))
    assert len(run.table) - len(one.table) == 3 * BLOCK
    assert seen[-1].finished == seen[-1].wanted == len(run.table)
    assert run.study.design["seeds"] == 3
    idle = Made(made_sweep)
    run_sweep(sweep_of(tmp_path / "two", screen=1, seeds=3), executor=idle)
    assert idle.jobs == []


@pytest.mark.slow
@pytest.mark.essential
def test_a_width_ends_a_sweep_and_a_smaller_one_goes_on(tmp_path: Path) -> None:
    changes = {**WHOLE, "screen": 1, "rates": 1, "horizons": 0}
    wide = run_sweep(sweep_of(tmp_path, **changes, until=0.5), executor=Made(made_sweep))
    assert set(phase(wide, t.MEASURE)[t.WAVE]) == {0}
    narrow = run_sweep(sweep_of(tmp_path, **changes, until=0.002), executor=Made(made_sweep))
    waves = phase(narrow, t.MEASURE)[t.WAVE]
    assert waves.max() >= 1
    pd.testing.assert_frame_equal(values(narrow).head(len(wide.table)), values(wide))


class Failing(Made):
    """Loses the runs that a condition holds for."""

    def __init__(self, condition: Any, **options: Any) -> None:
        def answer(job: Job) -> RungResult:
            if condition(job):
                return RungResult(failure="diverged: training loss nan")
            return made_sweep(job)

        super().__init__(answer, **options)


def test_a_failed_run_is_tried_once_more_at_half_its_rate(tmp_path: Path) -> None:
    plan = plan_sweep(sweep_of(tmp_path, screen=1, seeds=1))

    def fails(job: Job) -> bool:  # decoders of two thirds always, of one third at the first rate
        share, rate = job.architecture.decoder_share, job.learning_rate
        return share > 0.6 or (share < 0.4 and rate > 0.75 * plan.grid.middle)

    run, ending = executed(plan, Failing(fails))
    assert ending == "finished"
    again = run.table[run.table[t.RETRY_OF].notna()]
    assert len(again) == 2 * 3
    for _, row in again.iterrows():
        first = run.table.set_index(t.TRIAL).loc[int(row[t.RETRY_OF])]
        assert first[t.STATE] == "failed"
        assert row[t.LEARNING_RATE] == pytest.approx(first[t.LEARNING_RATE] / 2)
        assert (row[t.CLUSTER], row[t.REPLICATE]) == (first[t.CLUSTER], first[t.REPLICATE])
    states = again.groupby(t.TARGET_SHARE)[t.STATE].unique().map(list)
    assert states.to_dict() == {1 / 3: ["complete"], 2 / 3: ["failed"]}
    same, _ = executed(plan, Made(made_sweep))
    pd.testing.assert_frame_equal(values(same), values(run))


def test_a_rate_that_fails_is_not_taken(tmp_path: Path) -> None:
    changes = {"screen": 1, "seeds": 1, "rates": 3}
    run, _ = executed(
        plan_sweep(sweep_of(tmp_path, **changes)), Failing(lambda job: job.learning_rate > 0.009)
    )
    tuning = phase(run, t.TUNING)
    assert (tuning[t.STATE] == "failed").any()
    assert (phase(run, t.MEASURE)[t.LEARNING_RATE] < 0.009).all()
    assert set(phase(run, t.MEASURE)[t.STATE]) == {"complete"}


@pytest.mark.slow
@pytest.mark.essential
def test_one_real_sweep_keeps_the_loss_of_every_example(tmp_path: Path) -> None:
    run, ending = executed(plan_sweep(sweep_of(tmp_path, screen=1, seeds=1)), InProcess())
    assert ending == "finished"
    losses = run.example_losses
    measured = run.table.set_index(t.TRIAL)
    assert sorted(losses) == list(measured.index)
    for trial, own in losses.items():
        assert own.dtype == np.float32
        assert own.shape == (143,)
        assert own.mean(dtype=float) == pytest.approx(measured.loc[trial, t.VAL_LOSS], rel=1e-5)


def test_groups_of_examples_are_kept_beside_their_losses(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(90, 8)))
    frame.columns = frame.columns.map("x{}".format)
    frame.assign(patient=np.arange(90) // 3).to_csv(tmp_path / "rows.csv", index=False)
    study = {"dataset": f"csv:{tmp_path / 'rows.csv'}?group=patient", "latent": 2}
    plan = plan_sweep(sweep_of(tmp_path / "run", screen=1, budgets=(800,), study=study))
    run, _ = executed(plan, Made(made_sweep, stop_at=1))
    kept = run.example_groups
    assert kept is not None
    assert np.array_equal(kept, plan.data.groups.validation)
    assert len(np.unique(kept)) == 2


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """The directory of a sweep that has only begun."""
    executed(plan_sweep(sweep_of(tmp_path / "run", screen=1)), Made(made_sweep, stop_at=1))
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rates": 3}, "rates was 1, now 3"),
        ({"shares": 5, "share_range": (0.2, 0.8)}, r"shares was \[0.33"),
        ({"budgets": (3_000, 4_000)}, r"budgets was \[4000\], now \[3000, 4000\]"),
        ({"structures": 4}, "structures was 3, now 4"),
        ({"screen": 2}, "screen was 1, now 2"),
        ({"horizons": 1}, "horizons was 0, now 1"),
        ({"study": {"latent": 4}}, "latent was 8, now 4"),
        ({"study": {"seed": 4}}, "seed was 0, now 4"),
        ({"study": {"name": "other"}}, "holds the study 'digits', not 'other'"),
    ],
)
def test_another_design_is_refused_and_says_what_differs(
    begun: Path, in_process: Executor, change: dict[str, Any], words: str
) -> None:
    before = Run.open(begun)
    stored = before.table, before.study.optuna.user_attrs
    with pytest.raises(StudyError, match=words) as caught:
        run_sweep(sweep_of(begun, **{"screen": 1, **change}), executor=in_process)
    assert "--fresh" in str(caught.value)
    after = Run.open(begun)
    pd.testing.assert_frame_equal(after.table, stored[0])
    assert after.study.optuna.user_attrs == stored[1]


def test_fresh_starts_another_design(begun: Path) -> None:
    run = run_sweep(
        sweep_of(begun, screen=1, seeds=1, structures=4), executor=Made(made_sweep), fresh=True
    )
    assert list(run.table[t.PHASE]) == [t.MEASURE] * 4 * BLOCK


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


class Slow(Made):
    """Takes a second a rung."""

    def __init__(self, clock: SimpleNamespace) -> None:
        super().__init__(made_sweep)
        self._clock = clock

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._clock.seconds += 1
        return super().submit(fn, *args, **kwargs)


@pytest.mark.slow
@pytest.mark.essential
def test_the_time_is_for_all_phases_together(tmp_path: Path, clock: SimpleNamespace) -> None:
    whole, _ = executed(plan_sweep(sweep_of(tmp_path / "whole")), Made(made_sweep))
    plan = plan_sweep(sweep_of(tmp_path / "run", study={"timeout": 20.5}))
    endings = []
    while endings[-1:] != ["finished"]:
        run, ending = executed(plan, Slow(clock))
        endings.append(ending)
    assert len(endings) > 2
    assert set(endings[:-1]) == {"timeout"}
    pd.testing.assert_frame_equal(values(run), values(whole))


@pytest.mark.slow
@pytest.mark.essential
def test_a_sweep_whose_runs_all_fail_stops_and_goes_on_when_that_is_mended(
    tmp_path: Path,
) -> None:
    def broken(job: Job) -> RungResult:
        raise MemoryError("no room")

    whole, _ = executed(plan_sweep(sweep_of(tmp_path / "whole", screen=1)), Made(made_sweep))
    plan = plan_sweep(sweep_of(tmp_path / "run", screen=1))
    with pytest.raises(StudyError, match="MemoryError: no room"):
        executed(plan, Made(broken))
    assert (Run.open(tmp_path / "run").table[t.STATE] == "failed").sum() == 0
    pd.testing.assert_frame_equal(values(executed(plan, Made(made_sweep))[0]), values(whole))


def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no family is called"):
        plan_sweep(sweep_of(tmp_path / "run", study={"family": "resnet"}))
    assert not (tmp_path / "run").exists()

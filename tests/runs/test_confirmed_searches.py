"""A confirmation of searches: several pairs on one split, retrained alike, compared over pairs."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asymnas import Run, StudyConfig, run_confirmation, run_search
from asymnas.core import columns as t
from asymnas.core.confirmation_config import ConfirmationConfig
from asymnas.core.errors import StudyError
from asymnas.reporting.cost import costs
from asymnas.training.rung import Job, RungResult

from .conftest import published_alone
from .made_results import Made, luck, made_result

pytestmark = [pytest.mark.slow, pytest.mark.essential, pytest.mark.usefixtures("in_memory")]
SEARCHES, BEST_RATE = 3, 0.02


def result(job: Job) -> RungResult:
    """Larger networks are better, symmetric ones worse; the best rate and ratio are known."""
    made, architecture = made_result(job), job.architecture
    worse = 1.2 if architecture == architecture.mirror() else 1.0
    off = math.log2(job.learning_rate / BEST_RATE) ** 2 + math.log2(job.rate_ratio) ** 2
    loss = worse * (1 + 0.05 * off) * (1 + 0.002 * luck(job)) * job.total / job.until
    loss /= math.sqrt(architecture.counts.total_params)
    return replace(made, metrics=dict.fromkeys(made.metrics, loss))


def wanted(directory: Path, **changes: object) -> ConfirmationConfig:
    usual = {"searches": SEARCHES, "seeds": 2, "top": 1, "rates": 3}
    return ConfirmationConfig(run_dir=str(directory), **{**usual, **changes})


@pytest.fixture(scope="module")
def executor() -> Made:
    return Made(result)


@pytest.fixture(scope="module")
def directory(in_memory: None, tmp_path_factory: pytest.TempPathFactory, executor: Made) -> Path:
    """A search of a few trials, confirmed."""
    directory = tmp_path_factory.mktemp("searches") / "run"
    config = StudyConfig(
        dataset="digits",
        budget=12_000,
        latent=4,
        trials=6,
        examples=384,
        workers=1,
        sampler="random",
        enqueue=(),
        metrics=(),
        run_dir=str(directory),
    )
    with published_alone():
        run_search(config, executor=executor)
        run_confirmation(wanted(directory), executor=executor)
    return directory


def test_every_pair_has_searches_of_one_length_and_one_seed_on_one_split(directory: Path) -> None:
    first = Run.open(directory)
    fingerprint = first.study.optuna.user_attrs["asymnas:data"]
    seeds = []
    for place in (directory, *(directory / "repeats" / str(n) for n in range(1, SEARCHES))):
        free, symmetric = Run.open(place), Run.open(place / "control")
        assert len(free.own) == len(symmetric.own) == len(first.own)
        assert free.config["seed"] == symmetric.config["seed"]
        assert not free.config["symmetric"]
        assert symmetric.config["symmetric"]
        for run in (free, symmetric):
            assert run.study.optuna.user_attrs["asymnas:data"] == fingerprint
        seeds.append(free.config["seed"])
    assert seeds == [0, 1, 2]
    drawn = [set(Run.open(directory / "repeats" / n).own["architecture"].map(str)) for n in "12"]
    assert drawn[0] != drawn[1]


def test_the_report_counts_what_all_searches_cost(directory: Path) -> None:
    run = Run.open(directory)
    further = [f"{kind} {n}" for n in (2, 3) for kind in ("search", "symmetric search")]
    assert list(run.runs) == ["search", "control", *further, "confirmation"]
    phases = {cost.phase: cost.runs for cost in costs(run)}
    assert [phases[name] for name in further] == [6] * 4


def test_the_range_over_searches_is_reported(directory: Path) -> None:
    run = Run.open(directory)
    bests = [search.best.decoder_share for search in (run, *run.repeats.values())]
    assert run.summary["decoder_share"]["bests_of_searches"] == bests
    assert any(s.startswith("Over 3 searches the best network") for s in run.summary["verdict"])


def test_the_best_of_each_search_is_retrained(directory: Path) -> None:
    table = Run.open(directory / "confirmation").table
    measured = table[table[t.PHASE] == t.MEASURE]
    names = ["best", "symmetric", "mirror", "reference"]
    for number in range(2, SEARCHES + 1):
        names += [f"best of search {number}", f"symmetric of search {number}"]
        best = Run.open(directory / "repeats" / str(number - 1)).best
        row = measured[measured[t.CONTENDER] == f"best of search {number}"].iloc[0]
        assert row[t.ARCHITECTURE] == best.architecture.to_dict()
        assert row[t.LEARNING_RATE] == best.learning_rate
        assert row[t.RATE_RATIO] == best.rate_ratio
    assert list(measured[t.CONTENDER]) == names * 2


def test_rates_nobody_searched_are_tuned_until_the_best_is_inside(directory: Path) -> None:
    table = Run.open(directory / "confirmation").table
    tuning = table[table[t.PHASE] == t.TUNING]
    assert set(tuning[t.CONTENDER]) == {"mirror", "reference"}
    for name, rows in tuning.groupby(t.CONTENDER):
        plain = rows[rows[t.RATE_RATIO] == 1].set_index(t.LEARNING_RATE)[t.VAL_LOSS]
        assert plain.index.min() < plain.idxmin() < plain.index.max()
        assert set(rows[t.RATE_RATIO]) >= {0.25, 1.0, 4.0}
        taken = table[(table[t.CONTENDER] == name) & (table[t.PHASE] == t.MEASURE)]
        assert taken[t.LEARNING_RATE].nunique() == 1
        assert abs(math.log2(taken[t.LEARNING_RATE].iloc[0] / BEST_RATE)) < 0.3
    assert not tuning.duplicated([t.CONTENDER, t.LEARNING_RATE, t.RATE_RATIO]).any()


def test_what_symmetry_costs_is_inferred_over_pairs(directory: Path) -> None:
    written = json.loads((directory / "confirmation.json").read_text())
    searches = written["searches"]
    scores = {c["name"]: c["test_loss"] for c in written["contenders"]}
    logs = {name: np.mean([math.log(v) for v in own.values()]) for name, own in scores.items()}
    for pair in searches["pairs"]:
        expected = math.expm1(logs[pair["symmetric"]] - logs[pair["free"]])
        assert pair["difference"] == pytest.approx(expected)
        assert pair["seeds"] == 2
    assert len(searches["pairs"]) == SEARCHES
    assert searches["difference"]["low"] < searches["difference"]["estimate"]
    logs_of_pairs = [math.log1p(pair["difference"]) for pair in searches["pairs"]]
    assert searches["difference"]["estimate"] == pytest.approx(math.expm1(np.mean(logs_of_pairs)))
    assert written["verdict"][0].startswith("Over 3 pairs of searches, a symmetric search ends")
    assert "Free and symmetric searches in pairs" in (directory / "report.html").read_text()


def test_more_seeds_only_add_and_another_number_of_searches_is_refused(
    directory: Path, executor: Made
) -> None:
    before = Run.open(directory / "confirmation").table
    begun = len(executor.jobs)
    with published_alone():
        run_confirmation(wanted(directory, seeds=3), executor=executor)
    after = Run.open(directory / "confirmation").table
    assert len(after) == len(before) + 8
    assert len(executor.jobs) == begun + 8 * 4
    assert list(after[t.VAL_LOSS][: len(before)]) == list(before[t.VAL_LOSS])
    with pytest.raises(StudyError, match="searches was 3, now 1"):
        run_confirmation(wanted(directory, searches=1, seeds=3), executor=executor)

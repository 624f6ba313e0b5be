"""Searches that begin with presets: first, once, counted exactly, distinguished."""

import json
import math
import re
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from command_line import asymnas

from asymnas import StudyConfig, run_search
from asymnas.core import columns as t
from asymnas.core.errors import ConfigError, StudyError
from asymnas.core.sweep_config import SweepConfig
from asymnas.networks.presets import PRESETS as REGISTERED
from asymnas.reporting.console import presets_line
from asymnas.runs.plan import plan_search
from asymnas.runs.sweep_plan import plan_sweep

from .conftest import executed, trained
from .made_results import Made

pytestmark = pytest.mark.usefixtures("in_memory")

PRESETS = ["dc-ae", "flux2-small", "litevae", "reference", "sd-vae", "taesd"]
TRIALS = len(PRESETS) + 2


@pytest.fixture
def queued(small: StudyConfig) -> StudyConfig:
    """A search of images that begins with every preset."""
    own = {"family": "conv2d", "budget": 20_000, "examples": 384}
    return replace(small, **own, trials=TRIALS, enqueue=("all",))


def origins(table: pd.DataFrame) -> list[str]:
    return list(table[t.PRESET].fillna(""))


@pytest.mark.slow
@pytest.mark.essential
def test_presets_are_the_first_trials_and_are_counted(
    queued: StudyConfig, in_process: Executor
) -> None:
    plan = plan_search(queued)
    run = run_search(queued, executor=in_process)
    own = run.table[run.table[t.DUPLICATE_OF].isna()]
    assert len(own) == TRIALS
    assert origins(run.table) == [*PRESETS, *[""] * (len(run.table) - len(PRESETS))]
    for preset, row in zip(plan.queue.presets, run.table.to_dict("records"), strict=False):
        assert row[t.ARCHITECTURE] == preset.architecture.to_dict()
        middle = math.sqrt(math.prod(queued.rates()))
        rate = REGISTERED.get(preset.name).rate or middle
        assert row[t.LEARNING_RATE] == pytest.approx(rate)
        assert row["drawn.size_ratio"] == pytest.approx(preset.parameters["size_ratio"])
        assert (row[t.BUDGET], row[t.RATE_RATIO]) == (queued.budget, 1.0)
        assert row[t.TOTAL_PARAMS] >= 0.97 * queued.budget
    written = pd.read_csv(Path(queued.run_dir) / "trials.csv")
    assert origins(written)[: len(PRESETS) + 1] == [*PRESETS, ""]
    of_front = {entry["trial"]: entry.get("preset") for entry in run.summary["front"]}
    assert any(of_front.values())
    assert all(of_front[n] == (PRESETS[n] if n < len(PRESETS) else None) for n in of_front)
    assert re.search(r"<th[^>]*>preset", (Path(queued.run_dir) / "report.html").read_text())


@pytest.mark.parametrize("stop_at", [0, 5])
@pytest.mark.slow
@pytest.mark.essential
def test_an_interrupted_search_goes_on_without_doubling(
    queued: StudyConfig, stop_at: int, tmp_path: Path
) -> None:
    trained(queued, Made(stop_at=stop_at))
    run = trained(queued, Made())
    whole = trained(replace(queued, run_dir=str(tmp_path / "whole")), Made())
    kept = [t.TRIAL, t.STATE, t.PRESET, t.VAL_LOSS, t.TOTAL_PARAMS, t.LEARNING_RATE]
    pd.testing.assert_frame_equal(run.table[kept], whole.table[kept])


def test_a_queued_trial_that_a_crash_left_waiting_is_taken_up_once(queued: StudyConfig) -> None:
    preset = plan_search(queued).queue.presets[0]
    study = trained(replace(queued, trials=1), Made(stop_at=0)).study.optuna
    second = plan_search(queued).queue.presets[1]
    study.enqueue_trial(dict(second.parameters), user_attrs={t.PRESET: second.name})
    run = trained(queued, Made())
    assert origins(run.table)[: len(PRESETS) + 1] == [*PRESETS, ""]
    assert run.table[t.ARCHITECTURE][0] == preset.architecture.to_dict()
    assert run.table[t.ARCHITECTURE][1] == second.architecture.to_dict()


def test_fewer_trials_than_presets_leave_the_rest_for_later(queued: StudyConfig) -> None:
    assert origins(trained(replace(queued, trials=2), Made()).table) == PRESETS[:2]
    assert origins(trained(queued, Made()).table)[: len(PRESETS) + 1] == [*PRESETS, ""]


def test_the_queue_is_part_of_what_a_run_is(queued: StudyConfig) -> None:
    one = replace(queued, trials=1, enqueue=("taesd",))
    trained(one, Made())
    with pytest.raises(StudyError, match=r"enqueue was \['taesd'\], now \['sd-vae'\]"):
        trained(replace(one, enqueue=("sd-vae",)), Made())


def test_a_run_from_before_there_were_presets_goes_on(
    small: StudyConfig, in_process: Executor
) -> None:
    one = replace(small, trials=1)
    run = trained(one, in_process)
    study = run.study.optuna
    for name in ("asymnas:pinned", "asymnas:config"):
        stored = dict(study.user_attrs[name])
        del stored["enqueue"], stored["checksum"]
        study.set_user_attr(name, stored)
    again = run_search(replace(one, trials=2), executor=in_process)
    assert len(again.table) >= 2
    assert t.PRESET not in again.table
    assert "preset" not in json.dumps(again.summary["front"])


def test_the_second_of_two_equal_presets_is_a_duplicate_and_not_counted(
    queued: StudyConfig,
) -> None:
    plan = plan_search(replace(queued, enqueue=("sd-vae",), trials=2))
    (preset,) = plan.queue.presets
    twice = replace(plan.queue, presets=(preset, replace(preset, name="twin")))
    run, _ = executed(replace(plan, queue=twice), executor=Made())
    assert origins(run.table)[:2] == ["sd-vae", "twin"]
    assert run.table[t.DUPLICATE_OF][1] == 0
    assert (run.table[t.DUPLICATE_OF].isna()).sum() == 2
    assert "twin (trial 1): the very architecture of trial 0" in presets_line(run)


def test_what_cannot_be_enqueued_is_refused_in_one_line(
    queued: StudyConfig, small: StudyConfig
) -> None:
    for config, names, message in [
        (queued, ("dac",), "dac is a preset of conv1d, not of conv2d, which has: dc-ae, flux2"),
        (queued, ("vae",), "no preset is called 'vae'; there are: dac, dc-ae"),
        (small, ("linear-decoder",), "draws? no such structure: .* asymnas.confirm --presets"),
        (replace(queued, symmetric=True), ("taesd",), "not symmetric, .* that are: reference$"),
        (replace(small, symmetric=True), ("all",), "there is nothing to enqueue: linear-decoder"),
    ]:
        with pytest.raises(ConfigError, match=message) as caught:
            plan_search(replace(config, enqueue=names))
        assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="distinct names"):
        replace(queued, enqueue=("taesd", "taesd"))


def test_a_symmetric_search_begins_with_what_is_symmetric(
    queued: StudyConfig,
) -> None:
    config = replace(queued, symmetric=True, trials=2)
    plan = plan_search(config)
    assert plan.queue.names == ("reference",)
    assert set(plan.queue.left_out) == {*PRESETS} - {"reference"}
    run = trained(config, Made())
    assert origins(run.table)[:2] == ["reference", ""]
    assert run.table[t.DECODER_SHARE][0] == pytest.approx(0.5, abs=0.03)


def test_a_sweep_takes_no_presets(queued: StudyConfig) -> None:
    sweep = SweepConfig(study=queued, shares=3, structures=3, screen=1, budgets=(20_000,))
    assert plan_sweep(sweep).config.enqueue == ()


@pytest.mark.slow
@pytest.mark.essential
def test_the_command_says_what_it_begins_with(tmp_path: Path) -> None:
    result = asymnas(
        *("search", "--family", "dense", "--budget", "6k", "--latent", "8", "--trials", "2"),
        *("--examples", "384", "--workers", "1", "--enqueue", "all", "--metrics", "psnr"),
        *("--run-dir", str(tmp_path / "run")),
    )
    out = result.stdout
    assert result.exit_code == 0, result.stderr
    assert "The first trials are presets:\n  scvi: 5," in out
    assert "left out: linear-decoder cannot be enqueued" in out
    assert "Presets: scvi (trial 0): complete, validation loss 0." in out
    assert pd.read_csv(tmp_path / "run" / "trials.csv")[t.PRESET][0] == "scvi"


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"family": "conv2d", "budget": 20_000}, ("reference",)),
        ({"family": "conv2d", "budget": 20_000, "enqueue": ()}, ()),
        ({"family": "conv2d", "budget": 20_000, "enqueue": ("none",)}, ()),
        ({"family": "conv2d", "budget": 20_000, "symmetric": True}, ("reference",)),
        ({"family": "conv2d", "budget": 20_000, "enqueue": ("taesd",)}, ("taesd",)),
        ({"family": "conv2d", "budget": 150, "latent": 2}, ()),  # too small for it
        ({"family": "dense", "budget": 20_000}, ()),
        ({"encoder_family": "dense", "decoder_family": "conv2d", "budget": 20_000}, ()),
    ],
)
def test_a_convolutional_search_begins_with_the_plain_network(settings, names) -> None:
    plan = plan_search(StudyConfig(dataset="digits", **settings))
    assert plan.config.enqueue == names
    assert plan.queue.names == names
    assert plan.ladder is not None
    assert plan.ladder.first == len(names)
    if names == ("reference",):
        preset = plan.queue.presets[0].architecture
        assert preset.counts.total_params >= 0.95 * settings["budget"]
        assert preset.decoder_share == pytest.approx(0.5, abs=0.02)

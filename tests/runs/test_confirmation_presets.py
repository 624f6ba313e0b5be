"""A confirmation with published designs beside the usual controls."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from asymnas import Architecture, Run, StudyConfig, run_confirmation
from asymnas.analysis.comparison import least_pairs
from asymnas.core import columns as t
from asymnas.core.confirmation_config import ConfirmationConfig
from asymnas.core.errors import ConfigError, StudyError, UnknownNameError
from asymnas.networks.presets import PRESETS
from asymnas.runs.confirmation_plan import open_search, plan_control
from asymnas.runs.contenders import named_presets

from .conftest import published_alone, trained
from .made_results import Made

pytestmark = pytest.mark.usefixtures("in_memory")

WANTED = ("sd-vae", "linear-decoder", "dac", "vitok")


@pytest.fixture(scope="module")
def directory(in_memory: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search that began with a preset, confirmed against four."""
    directory = tmp_path_factory.mktemp("presets") / "run"
    search = StudyConfig(
        budget=12_000,
        latent=4,
        trials=2,
        examples=128,
        workers=1,
        precision="fp32",
        sampler="random",
        enqueue=("taesd",),
        run_dir=str(directory),
    )
    trained(search, Made())
    with published_alone():
        run_confirmation(wanted(directory), executor=Made())
    return directory


def wanted(directory: Path) -> ConfirmationConfig:
    return ConfirmationConfig(
        run_dir=str(directory), searches=1, seeds=2, top=1, rates=2, presets=WANTED
    )


@pytest.mark.slow
@pytest.mark.essential
def test_presets_are_contenders_with_tuned_rates(directory: Path) -> None:
    table = Run.open(directory / "confirmation").table
    tuned = table[table[t.PHASE] == t.TUNING][t.CONTENDER]
    measured = table[table[t.PHASE] == t.MEASURE]
    for name in ("sd-vae", "linear-decoder", "vitok"):
        assert list(tuned).count(name) >= 3  # the best rate has a worse one on either side
        rows = measured[measured[t.CONTENDER] == name]
        assert list(rows[t.REPLICATE]) == [0, 1]
        assert rows[t.TEST_LOSS].notna().all()
        architecture = Architecture.from_dict(rows.iloc[0][t.ARCHITECTURE])
        assert architecture.family == PRESETS.get(name).family
        assert 10_800 <= architecture.counts.total_params <= 12_000
    assert "taesd" not in set(table[t.CONTENDER])


@pytest.mark.slow
@pytest.mark.essential
def test_what_is_missing_is_said_and_the_best_is_compared_with_the_rest(directory: Path) -> None:
    found = json.loads((directory / "confirmation.json").read_text())
    assert "conv1d takes signals" in found["left_out"]["dac"]
    against = {comparison["against"] for comparison in found["comparisons"]}
    assert {"sd-vae", "linear-decoder", "vitok", "reference"} <= against
    assert any(sentence.startswith("The sd-vae is") for sentence in found["verdict"])


def test_the_control_search_enqueues_nothing_that_is_not_symmetric(directory: Path) -> None:
    assert t.PRESET not in Run.open(directory / "control").table
    config = wanted(directory)
    assert plan_control(config, open_search(config)).queue.presets == ()


def test_other_presets_are_another_confirmation(directory: Path) -> None:
    with pytest.raises(StudyError, match="contenders was"):
        run_confirmation(replace(wanted(directory), presets=()), executor=Made())


def test_names_are_checked_and_all_spelled_out() -> None:
    assert named_presets(("all",)) == tuple(n for n in PRESETS.names() if n != "reference")
    assert named_presets(("reference", "mae")) == ("mae",)
    with pytest.raises(UnknownNameError, match="no preset is called 'vae'"):
        named_presets(("vae",))
    with pytest.raises(ConfigError, match="distinct"):
        ConfirmationConfig(run_dir="x", presets=("mae", "mae"))


def test_the_page_says_how_many_seeds_more_comparisons_need() -> None:
    assert [least_pairs(n) for n in (3, 4, 6, 7, 12)] == [7, 8, 8, 9, 9]

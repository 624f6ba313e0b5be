"""A search whose sides are of different families, from the flags to the control of its best."""

from concurrent.futures import Executor
from dataclasses import replace

import pytest

from asymnas import ConfirmationConfig, StudyConfig, find_best_architecture, run_search
from asymnas.core import columns as t
from asymnas.core.sweep_config import SweepConfig
from asymnas.runs.confirmation_plan import open_search, plan_confirmation, plan_control
from asymnas.runs.directory import REPORT
from asymnas.runs.sweep_plan import plan_sweep

pytestmark = pytest.mark.usefixtures("in_memory")


@pytest.fixture
def mixed(small: StudyConfig) -> StudyConfig:
    return replace(
        small,
        family=None,
        encoder_family="dense",
        decoder_family="conv2d",
        trials=3,
        examples=128,
        metrics=("checkerboard", "psnr"),
    )


@pytest.mark.slow
@pytest.mark.essential
def test_a_dense_encoder_with_a_convolutional_decoder(
    mixed: StudyConfig, in_process: Executor
) -> None:
    run = run_search(mixed, executor=in_process)
    assert "checkerboard" in run.table
    assert set(run.table[t.ENCODER_FAMILY]) == {"dense"}
    assert set(run.table[t.DECODER_FAMILY]) == {"conv2d"}
    assert run.summary["family"] == "dense/conv2d"
    assert "dense/conv2d" in (run.directory / REPORT).read_text()
    best = find_best_architecture(run.directory)
    assert best.architecture.family == "dense/conv2d"
    assert best.load().encode is not None
    confirmation = ConfirmationConfig(run_dir=str(run.directory), seeds=1)
    search = open_search(confirmation)
    control = plan_control(confirmation, search)
    assert control.config.symmetric
    assert control.config.family == "dense"  # the mirror of a mixed network is of its encoder's
    assert control.space.sample(0).architecture.family == "dense"
    assert control.config.metrics == ("psnr",)
    finished = run_search(replace(control.config, trials=1, enqueue=()), executor=in_process)
    plan = plan_confirmation(confirmation, search, finished, (), control.data)
    families = {c.name: c.architecture.family for c in plan.entered.contenders}
    assert families["best"] == "dense/conv2d"
    assert families["mirror"] == families["symmetric"] == "dense"
    assert plan.config.metrics == ("psnr",)  # which all contenders have


@pytest.mark.slow
@pytest.mark.essential
def test_a_search_that_draws_both_families(mixed: StudyConfig, in_process: Executor) -> None:
    run = run_search(
        replace(
            mixed, family="any", encoder_family=None, decoder_family=None, trials=8, metrics=()
        ),
        executor=in_process,
    )
    drawn = run.table[run.table[t.DUPLICATE_OF].isna()]
    families = drawn[[t.ENCODER_FAMILY, t.DECODER_FAMILY]].to_numpy().tolist()
    assert len({tuple(pair) for pair in families}) > 2
    assert run.summary["family"] == "any"


def test_a_sweep_of_a_mixed_pair_fills_its_budget_at_each_share(mixed: StudyConfig) -> None:
    plan = plan_sweep(SweepConfig(study=mixed, budgets=(6_000,), structures=3, screen=1))
    for cell in [cell for block in plan.blocks for cell in block.cells]:
        assert cell.architecture.family == "dense/conv2d"
        assert 0.99 * 6_000 <= cell.architecture.counts.total_params <= 6_000

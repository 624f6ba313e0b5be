"""Plans: what a configuration left open is resolved, what cannot work is said before it starts."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from asymnas import StudyConfig
from asymnas.core.errors import BudgetError, ConfigError, UnknownNameError
from asymnas.runs.plan import default_family, default_workers, plan_search


@pytest.mark.parametrize(
    ("shape", "family"),
    [
        ((3, 32, 32), "conv2d"),
        ((1, 1, 64), "dense"),
        ((2, 128), "conv1d"),
        ((2, 1), "dense"),
        ((13,), "dense"),
    ],
)
def test_the_family_follows_from_the_shape(shape: tuple[int, ...], family: str) -> None:
    assert default_family(shape) == family


def test_nothing_is_left_open(small: StudyConfig) -> None:
    open_settings = {"family": None, "workers": None, "examples": None, "metrics": None}
    plan = plan_search(replace(small, precision="auto", **open_settings))
    config = plan.config
    assert config.family == "conv2d"
    assert config.workers is not None
    assert config.workers >= 1
    assert config.precision in ("fp32", "bf16")
    assert config.metrics is not None
    assert "mse" in config.metrics
    assert Path(config.run_dir).is_absolute()
    assert config.examples is not None
    assert config.examples % config.batch_size == 0
    assert 60_000 - config.batch_size < config.examples <= 60_000 + config.batch_size
    assert plan.n_train == len(plan.data.train)
    (phase,) = plan.phases(None)  # a search does not ask its study
    assert phase.config == config
    assert phase.runs is None


def test_what_was_given_stays(small: StudyConfig) -> None:
    config = plan_search(replace(small, workers=3, precision="fp32", metrics=("mae",))).config
    assert (config.family, config.workers, config.precision) == ("dense", 3, "fp32")
    assert config.metrics == ("mae",)


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"pruner": "median"}, UnknownNameError, "no pruner is called 'median'"),
        ({"sampler": "annealing"}, ConfigError, "no sampler is called 'annealing'"),
        ({"family": "rnn"}, UnknownNameError, "no family is called 'rnn'"),
        ({"kind": "sparse"}, UnknownNameError, "no kind is called 'sparse'"),
        ({"objectives": ("total_params",)}, ConfigError, "total_params"),
        ({"objectives": ("val_loss", "beauty")}, ConfigError, "beauty"),
        ({"budget": 10}, BudgetError, "smallest"),
        ({"storage": "sqlite://"}, ConfigError, "would be lost"),
    ],
)
def test_what_cannot_work_is_one_line(
    small: StudyConfig, wrong: dict[str, object], error: type[ConfigError], text: str
) -> None:
    with pytest.raises(error, match=text) as caught:
        plan_search(replace(small, **wrong))
    assert "\n" not in str(caught.value)


def test_one_worker_per_gpu_and_one_per_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asymnas.runs.plan.cores", lambda: 16)
    assert default_workers(torch.device("cpu")) == 8
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert default_workers(torch.device("cuda")) == 2
    assert default_workers(torch.device("cuda:1")) == 1


def test_each_side_has_the_family_that_is_named_for_it_or_the_family_of_both(small):
    images = replace(small, family=None)
    for given, families in (
        ({}, ("conv2d", "conv2d")),
        ({"family": "dense"}, ("dense", "dense")),
        ({"encoder_family": "dense"}, ("dense", "conv2d")),
        ({"family": "dense", "decoder_family": "conv2d"}, ("dense", "conv2d")),
        ({"family": "any"}, ("any", "any")),
        ({"decoder_family": "any"}, ("conv2d", "any")),
    ):
        config = plan_search(replace(images, **given)).config
        assert (config.encoder_family, config.decoder_family) == families
        assert config.family == (families[0] if len(set(families)) == 1 else None)
        assert plan_search(config).config == config


def test_metrics_are_those_that_every_pair_of_families_has(small):
    images = replace(small, family=None, metrics=None)
    assert "checkerboard" in (plan_search(images).config.metrics or ())
    mixed = plan_search(replace(images, encoder_family="dense"))
    assert "checkerboard" in (mixed.config.metrics or ())
    for decoder in ("dense", "any"):
        plan = plan_search(replace(images, decoder_family=decoder))
        assert "checkerboard" not in (plan.config.metrics or ())

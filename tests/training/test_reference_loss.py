"""The loss of predicting the mean, whatever the kind."""

import pytest
import torch
from problems import space_of
from torch.distributions import Bernoulli

from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset
from asymnas.networks.families import Problem
from asymnas.training.evaluation import as_input
from asymnas.training.reference_loss import mean_predictor_loss

DIGITS = Problem(shape=(1, 8, 8), latent=8)


def architecture_of(kind, family="conv2d", problem=DIGITS):
    return space_of(family, problem, kind=kind, budget=10_000).sample(0).architecture


@pytest.fixture(scope="module")
def digits():
    return load_dataset(DataSpec(name="digits"))


@pytest.mark.parametrize("kind", ["plain", "denoising", "vq", "plain:loss=l1"])
def test_it_is_the_error_of_the_mean_training_example(kind, digits):
    mean = as_input(digits.train).mean(0)
    away = as_input(digits.validation) - mean
    expected = away.abs().mean() if "l1" in kind else away.square().mean()
    found = mean_predictor_loss(architecture_of(kind), digits)
    assert found == pytest.approx(expected.item(), rel=1e-4)


def test_logits_are_those_of_the_mean(digits):
    mean = as_input(digits.train).mean(0).clamp(1e-4, 1 - 1e-4)
    target = as_input(digits.validation)
    cross = -(target * mean.log() + (1 - target) * (1 - mean).log())
    entropy = Bernoulli(probs=target, validate_args=False).entropy()
    found = mean_predictor_loss(architecture_of("plain:loss=bce"), digits)
    assert found == pytest.approx((cross - entropy).mean().item(), rel=1e-3)


def test_it_depends_on_the_data_alone(digits):
    found = {
        mean_predictor_loss(architecture_of("plain", family), digits)
        for family in ("conv2d", "dense", "transformer")
    }
    assert max(found) == pytest.approx(min(found), rel=1e-5)
    assert torch.isfinite(torch.tensor(max(found)))

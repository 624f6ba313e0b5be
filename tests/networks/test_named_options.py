"""A kind with options: read as annotated, refused in words."""

import math

import pytest
import torch
from problems import space_of
from torch import nn

from asymnas.core.config import StudyConfig
from asymnas.core.errors import ConfigError, UnknownNameError
from asymnas.networks.architecture import Architecture
from asymnas.networks.families import Problem
from asymnas.networks.kinds import KINDS, Autoencoder, kind_of
from asymnas.runs.plan import plan_search

GENERATOR = torch.Generator()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("plain:los=l1", "the kind plain has no option 'los': its options are loss"),
        ("plain:loss=l3", "loss of the kind plain must be one of mse, l1, bce but got 'l3'"),
        ("plain:loss=l1,loss=l1", "the option loss of the kind plain is given twice"),
        ("variational:beta=x", "beta of the kind variational must be a number but got 'x'"),
        ("variational:beta", "beta of the kind variational must be a number but got ''"),
        ("variational:beta=nan", "must be finite"),
        ("vq:codes=2.5", "codes of the kind vq must be a whole number but got '2.5'"),
        ("vq:codes=" + "9" * 400, "codes of the kind vq is too large: 9999"),
        ("vq:codes=" + "9" * 20, "codes must be from 2 to 1048576"),
        ("fsq:levels=" + "9" * 20, "levels must be from 2 to 65536"),
        ("plain:", "an option must follow the colon of 'plain:'"),
    ],
)
def test_what_is_no_option_is_refused_in_words(spec, said):
    with pytest.raises(ConfigError, match=said):
        kind_of(spec)
    with pytest.raises(ConfigError, match=said):
        plan_search(StudyConfig(kind=spec))


def test_an_unknown_kind_is_told_those_there_are():
    with pytest.raises(UnknownNameError, match="no kind is called 'vae'; there are: denoising"):
        kind_of("vae:beta=1")


@pytest.mark.parametrize("name", KINDS.names())
def test_every_option_has_a_default(name):
    assert kind_of(name) is kind_of(name)


def test_options_are_part_of_the_architecture():
    space = space_of("dense", Problem(shape=(7,), latent=4), kind="plain:loss=bce")
    architecture = space.sample(0).architecture
    again = Architecture.from_dict(architecture.to_dict())
    assert again == architecture
    output = again.build(0)(torch.randn(3, 7))
    assert ((output > 0) & (output < 1)).all()


def one(value):
    """A network that puts out one value whatever it is given."""
    return Autoencoder(nn.Identity(), nn.Identity(), Constant(value))


class Constant(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, z):
        return torch.full_like(z, self.value)


def test_errors_by_hand():
    x = torch.tensor([[1.0, 0.0], [0.25, 0.75]])
    squared = kind_of("plain").validate(one(0.5), x, GENERATOR)
    assert squared.loss.tolist() == [0.25, 0.0625]
    absolute = kind_of("plain:loss=l1")
    assert absolute.validate(one(0.5), x, GENERATOR).loss.tolist() == [0.5, 0.25]
    assert absolute.training_loss(one(0.5), x, GENERATOR, 0.0).item() == 0.375
    entropy = kind_of("plain:loss=bce")
    model = Autoencoder(nn.Identity(), nn.Identity(), Constant(0.0), entropy.head())
    found = entropy.validate(model, x, GENERATOR)
    least = torch.tensor([0.0, -0.25 * math.log(0.25) - 0.75 * math.log(0.75)])
    torch.testing.assert_close(found.loss, torch.full((2,), 2.0).log() - least)
    assert found.output.tolist() == [[0.5, 0.5], [0.5, 0.5]]


@pytest.mark.parametrize("kind", ["plain:loss=bce", "variational:likelihood=bernoulli"])
def test_values_that_are_no_probabilities_are_refused_before_anything_trains(kind):
    plan_search(StudyConfig(dataset="digits", kind=kind))
    with pytest.raises(ConfigError, match=r"needs values from 0 to 1, but wine has values from -"):
        plan_search(StudyConfig(dataset="wine", kind=kind))

"""Every family learns: in seconds it leaves less than principal components of the same latent size.

`benchmarks/against_pca.py` does the same with searches, on larger data.
"""

import math
from dataclasses import replace

import pytest
from marks import essential_first
from sklearn.decomposition import PCA

from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset
from asymnas.networks.architecture import Architecture
from asymnas.networks.families import FAMILIES
from asymnas.networks.families.conv import ConvSide, SignalSide
from asymnas.networks.families.dense import DenseSide
from asymnas.networks.families.transformer import TransformerSide
from asymnas.training.evaluation import as_input
from asymnas.training.rung import Job, train_rung

BUDGET = 100_000

#: Data set, latent, steps, rate, both sides; an upsampling stands for the encoder's downsampling.
CASES = {
    "dense": ("digits", 16, 400, 8e-3, DenseSide(widths=(240, 128)), {}),
    "conv2d": (
        *("digits", 16, 400, 1e-2),
        ConvSide(channels=(32, 64), kernels=(3, 3), resampling="strided"),
        {"resampling": "nearest"},
    ),
    "conv1d": (
        *("signals", 8, 200, 6e-3),
        SignalSide(channels=(12, 20, 28), kernels=(7, 7, 7), resampling="strided"),
        {"resampling": "nearest"},
    ),
    "transformer": (
        *("digits", 16, 300, 1e-2),
        TransformerSide(width=40, heads=2, head_sizes=(16,), hidden=(80,), patch=2),
        {},
    ),
}


def principal_components(spec: DataSpec, components: int) -> float:
    """Mean squared error that PCA of the training split leaves of the validation split."""
    data = load_dataset(spec)
    train, x = (as_input(part).flatten(1).numpy() for part in (data.train, data.validation))
    pca = PCA(components, svd_solver="covariance_eigh").fit(train)
    return float(((pca.inverse_transform(pca.transform(x)) - x) ** 2).mean())


@pytest.mark.parametrize("family", essential_first(FAMILIES.names(), 2))
def test_a_family_learns_more_than_principal_components(family):
    dataset, latent, steps, rate, side, up = CASES[family]
    spec = DataSpec(name=dataset)
    architecture = Architecture(
        encoder_family=family,
        decoder_family=family,
        encoder=side,
        decoder=replace(side, **up),
        shape=load_dataset(spec).shape,
        latent=latent,
    )
    assert architecture.counts.total_params <= BUDGET
    result = train_rung(
        Job(
            architecture=architecture,
            data=spec,
            learning_rate=rate,
            batch_size=64,
            seed=0,
            until=steps,
            total=steps,
            device="cpu",
        )
    )
    code = math.prod(FAMILIES.get(family).latent_shape(architecture.problem))
    assert code == latent
    assert result.metrics["val_loss"] < 0.9 * principal_components(spec, code)

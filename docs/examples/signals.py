"""Signals: one-dimensional convolutions beside the best linear code of the same size."""

import torch

from asymnas import StudyConfig, run_search
from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset

LATENT = 8
data = load_dataset(DataSpec(name="signals"))  # two receivers of a struck resonator, 128 samples
mean = data.train.flatten(1).mean(0)
axes = torch.linalg.svd(data.train[:4000].flatten(1) - mean, full_matrices=False).Vh[:LATENT]
x = data.validation.flatten(1) - mean
linear = float((x - x @ axes.T @ axes).square().mean())

config = StudyConfig(
    dataset="signals", budget="20k", latent=LATENT, trials=4, examples="20k", workers=1
)
run = run_search(config)
print(f"error of {LATENT} principal components: {linear:.3f}")
print(f"error of the best network:          {run.best.values['val_loss']:.3f}")
print(f"share of its parameters in the decoder: {run.best.decoder_share:.0%}")

"""Batch size, learning rate and activation on one architecture, equal training examples.

    python benchmarks/recipes.py [CASE ...]

Trains a two-stage conv2d autoencoder of fashion-mnist (160,309 parameters, latent 16) on 240,000
examples a case, on one thread, and prints one JSON line each: the validation loss at every rung and
examples a second (worth comparing only if nothing else runs). Losses of the cases run so far, with
hardware and versions, are in benchmarks/recipes.jsonl.
"""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from asymnas import Architecture
from asymnas.core.config import DataSpec
from asymnas.core.provenance import setup
from asymnas.networks.families.conv import ConvSide
from asymnas.training.rung import Job, rung_steps, train_rung

EXAMPLES = 240_000


@dataclass(frozen=True)
class Case:
    batch: int = 64
    rate: float = 3e-3
    activation: str = "silu"
    precision: str = "bf16"


CASES = {
    "base": Case(),
    "rate-1.5e-3": Case(rate=1.5e-3),
    "rate-6e-3": Case(rate=6e-3),
    "rate-1.2e-2": Case(rate=1.2e-2),
    "batch-32": Case(batch=32),
    "batch-128": Case(batch=128),
    "relu": Case(activation="relu"),
    "fp32": Case(precision="fp32"),
}


def architecture(activation: str) -> Architecture:
    side = ConvSide(
        channels=(28, 44), kernels=(3, 3), resampling="strided", blocks=1, activation=activation
    )
    return Architecture(
        encoder_family="conv2d",
        decoder_family="conv2d",
        encoder=side,
        decoder=replace(side, channels=(28, 48), resampling="transposed_k4"),
        shape=(1, 28, 28),
        latent=16,
    )


def run(name: str, case: Case, folder: Path) -> dict[str, object]:
    steps = rung_steps(EXAMPLES, case.batch)
    checkpoint, losses, seconds = None, [], 0.0
    for until in steps:
        result = train_rung(
            Job(
                architecture=architecture(case.activation),
                data=DataSpec(name="fashion-mnist"),
                learning_rate=case.rate,
                batch_size=case.batch,
                seed=0,
                until=until,
                total=steps[-1],
                checkpoint=checkpoint,
                save=folder / f"{until}.pt",
                precision=case.precision,
                device="cpu",
            )
        )
        if result.failure:
            return {"case": name, "failure": result.failure}
        checkpoint = folder / f"{until}.pt"
        losses.append(round(result.metrics["val_loss"], 6))
        seconds += result.seconds
    rate = round(steps[-1] * case.batch / seconds)
    return {"case": name, "val_loss": losses, "examples_per_second": rate}


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps({"setup": setup()}))
    with TemporaryDirectory() as folder:
        for name in sys.argv[1:] or CASES:
            print(json.dumps(run(name, CASES[name], Path(folder))), flush=True)

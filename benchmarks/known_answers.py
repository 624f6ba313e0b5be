"""Validation loss by decoder share on the two data sets whose answer is known by construction.

    python benchmarks/known_answers.py

Dense autoencoders with two equal hidden layers a side, 60,000 parameters in all, latent 8; 3,000
steps of 256 examples at a learning rate of 4e-3, fp32, one seed. Writes known_answers.md beside
itself; some two minutes on one core.
"""

from datetime import date
from pathlib import Path

import torch

from asymnas.core.budget import Budget
from asymnas.core.config import DataSpec
from asymnas.core.provenance import setup
from asymnas.networks.families import Problem
from asymnas.networks.families.dense import DenseSide
from asymnas.space.equal_budget import at_share
from asymnas.space.space import Space
from asymnas.training.rung import Job, train_rung

SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
SETS = {"deep-generator": "plain", "linear-generator": "denoising-gross"}
STEPS, BATCH, RATE = 3_000, 256, 4e-3


def loss(dataset: str, kind: str, share: float) -> float:
    space = Space(
        encoder_family="dense",
        decoder_family="dense",
        problem=Problem(shape=(64,), latent=8),
        kind=kind,
        budget=Budget(total_params=60_000),
        learning_rates=(RATE, 2 * RATE),
    )
    architecture = at_share(space, [DenseSide(widths=(1024, 1024))] * 2, share)
    assert architecture is not None
    job = Job(
        architecture=architecture,
        data=DataSpec(name=dataset),
        learning_rate=RATE,
        batch_size=BATCH,
        seed=0,
        until=STEPS,
        total=STEPS,
        device="cpu",
    )
    return train_rung(job).metrics["val_loss"]


def main() -> None:
    torch.set_num_threads(1)
    facts = setup()
    lines = [
        "# Loss by decoder share where the answer is known",
        "",
        f"Written by `python benchmarks/known_answers.py`, which says what is trained. "
        f"{date.today()}, {facts['processor']}, Python {facts['python']}, torch {facts['torch']}.",
        "",
        f"| decoder share | {' | '.join(f'{share:.2f}' for share in SHARES)} |",
        "|---" * (len(SHARES) + 1) + "|",
    ]
    for dataset, kind in SETS.items():
        losses = [loss(dataset, kind, share) for share in SHARES]
        cells = [f"**{x:.4f}**" if x == min(losses) else f"{x:.4f}" for x in losses]
        lines.append(f"| `{dataset}`, `{kind}` | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

"""Does a deeper decoder spoil what a masked autoencoder's encoder learns?

    python studies/masked_decoder.py
    python studies/run.py masked_decoder --minutes 55

A toy model of Liu (https://kindxiaoming.github.io/blog/2026/mae) says so: with four encoder blocks
and 60 % of the patches hidden, a linear probe of the representation tells circles from squares in
.991, .986, .898 and .829 of the images with one to four decoder blocks. Here the same is asked with
six seeds per depth and rates tuned for each. An arm besides has one block as large as four: whether
it is the depth that matters, or the size.

The images are 16 by 16 pixels with one filled circle or square, 5 to 9 pixels across and anywhere
in the image; both have the same area at the same size. The first command writes them. Images,
widths and length of training are not the toy model's.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from arm_plan import REFERENCE, plan_arms
from numpy.typing import NDArray

from asymnas import Architecture, StudyConfig
from asymnas.networks.families.transformer import TransformerSide
from asymnas.runs.confirmation_plan import ConfirmationPlan

NAME = "masked_decoder"
IMAGES = Path("runs", "shapes.npz")
COUNT, SIDE, SEED = 20_000, 16, 0
SIZES = (5.0, 9.0)  # pixels across a circle
FINER = 4  # points per pixel and axis, of which a pixel is the mean
KIND = "masked:ratio=0.6"
PATCH, WIDTH, HEADS, CHANNELS = 4, 32, 4, 32
ENCODER_DEPTH, DEPTHS = 4, (2, 3, 4)
EXAMPLES, SEEDS = 240_000, 6
ONE_LARGE_BLOCK = "one block as large as four"


def shapes(count: int, seed: int = SEED) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images `[count, 16, 16]` in 0 ... 255 and their classes: 0 for a circle, 1 for a square."""
    rng = np.random.default_rng(seed)
    classes, across = rng.integers(0, 2, count), rng.uniform(*SIZES, count)
    centres = across / 2 + rng.random((2, count)) * (SIDE - across)
    points = (np.arange(SIDE * FINER) + 0.5) / FINER
    x, y = (np.abs(points - centre[:, None]) for centre in centres)
    radius = across[:, None, None] / 2
    circle = x[:, None, :] ** 2 + y[:, :, None] ** 2 <= radius**2
    square = np.maximum(x[:, None, :], y[:, :, None]) <= radius * np.sqrt(np.pi) / 2
    fine = np.where(classes[:, None, None] == 1, square, circle)
    images = fine.reshape(count, SIDE, FINER, SIDE, FINER).mean((2, 4))
    return np.round(255 * images).astype(np.uint8), classes


def _side(*hidden: int, head_size: int = WIDTH // HEADS) -> TransformerSide:
    return TransformerSide(
        width=WIDTH,
        heads=HEADS,
        head_sizes=(head_size,) * len(hidden),
        hidden=hidden,
        patch=PATCH,
    )


def arms() -> dict[str, Architecture]:
    """One decoder block, which the others are compared with, two to four, and a large one."""
    usual = 2 * WIDTH
    reference = Architecture(
        encoder_family="transformer",
        decoder_family="transformer",
        encoder=_side(*(usual,) * ENCODER_DEPTH),
        decoder=_side(usual),
        shape=(1, SIDE, SIDE),
        latent=CHANNELS,
        bottleneck="spatial",
        kind=KIND,
    )
    made = {REFERENCE: reference}
    for depth in DEPTHS:
        made[f"{depth} blocks"] = replace(reference, decoder=_side(*(usual,) * depth))
    large = _side(4 * usual, head_size=4 * WIDTH // HEADS)
    made[ONE_LARGE_BLOCK] = replace(reference, decoder=large)
    return made


def plan_decoders(
    run_dir: Path, timeout: float | None, workers: int | None = None
) -> ConfirmationPlan:
    """Tuning of each arm's rates, then all arms with every seed.

    Args:
        run_dir: Where the run is kept.
        timeout: Seconds after which it pauses.
        workers: Networks that train at once; by default one per GPU or core.
    """
    study = StudyConfig(
        name=NAME,
        dataset=f"npz:{IMAGES}",
        family="transformer",
        kind=KIND,
        latent=CHANNELS,
        examples=EXAMPLES,
        precision="fp32",
        metrics=("mse", "probe_accuracy"),
        run_dir=str(run_dir),
        timeout=timeout,
        workers=workers,
    )
    return plan_arms(study, arms(), SEEDS, {})


if __name__ == "__main__":
    IMAGES.parent.mkdir(exist_ok=True)
    images, classes = shapes(COUNT)
    np.savez(IMAGES, x=images, y=classes)
    print(f"{IMAGES}: {COUNT:,} images of {SIDE} by {SIDE} pixels")

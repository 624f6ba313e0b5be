"""The sweeps of the studies, each of which asks where the best decoder share lies.

    python studies/run.py fashion_mnist_conv2d --minutes 55

All are of one design: short runs rank eighteen structures per budget, and the best six, then the
next six, are trained at seven shares and with mirrored decoders. Both sides' learning rates are
tuned; in some, two of the structures are also trained a quarter and four times as long. A name that
ends in `_long` is the same sweep at four times the length, rates tuned at it. `_again` is an
independent replication, with other structures (all eighteen are trained), other splits and twice
the runs, of what the first sweep suggested without establishing it.
Those of `wallpapers` need `python studies/wallpapers.py 16` first, and those of tables
(`TABLE_FILES`) need `python studies/tables.py`.
"""

from dataclasses import replace

import deep_generator
import linear_generator

from asymnas import StudyConfig, SweepConfig

PATCHES = "npz:runs/wallpapers-16.npz"
TABLE_FILES = {
    name: f"csv:runs/{name}.csv?label=class"
    for name in ("texture", "satimage", "letter", "penbased", "segment", "spambase")
}


def sweep(
    dataset: str,
    family: str,
    budget: int,
    examples: int,
    kind: str = "plain",
    horizons: int = 2,
    latent: int = 16,
) -> SweepConfig:
    """A sweep of one budget.

    Args:
        dataset: What is trained on.
        family: Of both sides.
        budget: Total parameters.
        examples: Training examples that each network sees.
        kind: What is trained.
        horizons: Structures also trained a quarter and four times as long.
        latent: Numbers that stand for an example.
    """
    study = StudyConfig(
        dataset=dataset,
        family=family,
        kind=kind,
        latent=latent,
        budget=budget,
        examples=examples,
        precision="fp32",  # the same on every machine that runs a chunk
    )
    return SweepConfig(study=study, budgets=(budget,), horizons=horizons)


LONG = "_long"


def longer(usual: SweepConfig) -> SweepConfig:
    """The same sweep with four times the training examples."""
    examples = usual.study.examples
    if examples is None:
        raise ValueError("a sweep whose length follows from its data cannot be made longer")
    return replace(usual, study=replace(usual.study, examples=4 * examples), horizons=0)


_USUAL = {
    "digits_dense": sweep("digits", "dense", 20_000, 60_000),
    "digits_denoising": sweep("digits", "dense", 20_000, 60_000, "denoising", 0),
    "digits_variational": sweep("digits", "dense", 20_000, 60_000, "variational", 0),
    "digits_vq": sweep("digits", "dense", 20_000, 60_000, "vq", 0),
    "digits_fsq": sweep("digits", "dense", 20_000, 60_000, "fsq", 0),
    "fashion_mnist_dense": sweep("fashion-mnist", "dense", 80_000, 120_000),
    "fashion_mnist_conv2d": sweep("fashion-mnist", "conv2d", 40_000, 60_000),
    **{
        f"{name}_dense": sweep(place, "dense", 20_000, 120_000, horizons=0, latent=8)
        for name, place in TABLE_FILES.items()
    },
    "signals_conv1d": sweep("signals", "conv1d", 20_000, 60_000),
    "fashion_mnist_variational": sweep("fashion-mnist", "dense", 80_000, 120_000, "variational", 0),
    "fashion_mnist_conv2d_160k": sweep("fashion-mnist", "conv2d", 160_000, 60_000, horizons=0),
    "wallpapers_dense": sweep(PATCHES, "dense", 80_000, 120_000, horizons=0, latent=32),
    "wallpapers_conv2d": sweep(PATCHES, "conv2d", 40_000, 60_000, horizons=0, latent=32),
    "deep_generator": deep_generator.sweep(),
    "linear_generator": linear_generator.sweep(),
}

_LONGER = (
    "digits_dense",
    "fashion_mnist_dense",
    "digits_variational",
    "digits_vq",
    "digits_fsq",
    "digits_denoising",
    "wallpapers_dense",
    *(f"{name}_dense" for name in TABLE_FILES),
    "signals_conv1d",
)
AGAIN = "_again"


def again(first: SweepConfig) -> SweepConfig:
    """The same question asked of other structures and splits, with twice the runs."""
    return replace(first, study=replace(first.study, seed=first.study.seed + 1), seeds=4)


#: In the order in which they are run.
SWEEPS = _USUAL | {name + LONG: longer(_USUAL[name]) for name in _LONGER}
SWEEPS |= {
    name + AGAIN + LONG: again(SWEEPS[name + LONG])
    for name in ("fashion_mnist_dense", "digits_dense", "digits_fsq")
}
SWEEPS["spambase_dense" + AGAIN] = again(SWEEPS["spambase_dense"])

"""What the sampling of the validation data adds to an interval.

All runs are scored on the same examples, so that a difference between shares is partly one between
the examples that happened to be drawn. Examples, or groups of them that belong together, are
resampled as a whole for all runs at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asymnas.analysis.blocked.blocks import Blocks
from asymnas.analysis.estimates import Floats

RESAMPLES = 400
PART = 100  # resamples at a time: their weights are `[PART, groups]`
LEAST_LOSS = 1e-12  # of the loss: what a resampled loss is cut at


@dataclass(frozen=True)
class ExampleLosses:
    """Validation losses of single examples.

    Args:
        losses: By trial, each `[n]` in the order of the validation split.
        groups: Which examples belong together (photographs, patients, files) `[n]`; `None` if each
            is independent of the others.
    """

    losses: Mapping[int, NDArray[np.float32]]
    groups: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Resampled:
    """Log losses of the runs of blocks, examples resampled, less those of all examples.

    Args:
        moves: `[b, i, k + 1, r]`; NaN where there is no run.
        groups: How many independent groups of examples there are.
    """

    moves: Floats
    groups: int


def resampled(losses: ExampleLosses | None, blocks: Blocks, *, seed: int = 0) -> Resampled | None:
    """Resamples the examples of all runs of a budget.

    A run's loss moves by as much as the mean of its example losses does; what its loss holds
    besides (a subtracted entropy) stays. A bootstrap of G groups has a variance too small by a
    factor of (G - 1) / G, which is made up for.

    Args:
        losses: Of single examples; those of other trials are ignored.
        blocks: The runs.
        seed: Fixes the resamples.

    Returns:
        `None` if those of a run are missing, or there is one group only: what is known in part
        would be understated.

    Source:
        Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 6; runs and examples as
        crossed random effects: Owen (2007), doi:10.1214/07-AOAS122.
    """
    runs = np.nonzero(blocks.trial >= 0)
    trials = [int(trial) for trial in blocks.trial[runs]]
    if losses is None or not trials or not all(trial in losses.losses for trial in trials):
        return None
    count = len(losses.losses[trials[0]])
    labels = np.arange(count) if losses.groups is None else np.asarray(losses.groups)
    _, group = np.unique(labels, return_inverse=True)
    sizes = np.bincount(group).astype(float)
    if len(sizes) < 2:
        return None
    sums = np.stack(
        [
            np.bincount(group, weights=losses.losses[trial], minlength=len(sizes))
            for trial in trials
        ],
        axis=1,
    )
    rng, even = np.random.default_rng(seed), np.full(len(sizes), 1 / len(sizes))
    means = []
    for start in range(0, RESAMPLES, PART):
        draws = min(PART, RESAMPLES - start)
        weights = rng.multinomial(len(sizes), even, size=draws).astype(float)
        means.append(weights @ sums / (weights @ sizes)[:, None])
    changes = np.concatenate(means) - sums.sum(axis=0) / count
    relative = 1 + changes / np.exp(blocks.log_loss[runs])
    moves = np.full((RESAMPLES, *blocks.trial.shape), np.nan)
    moves.reshape(RESAMPLES, -1)[:, np.ravel_multi_index(runs, blocks.trial.shape)] = np.log(
        np.maximum(relative, LEAST_LOSS)
    )
    scale = np.sqrt(len(sizes) / (len(sizes) - 1))
    return Resampled(moves=scale * (moves - moves.mean(axis=0)), groups=len(sizes))

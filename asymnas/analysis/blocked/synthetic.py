"""Simulated blocked sweeps of a known truth: to plan a design with, and to check the inference.

truth = truth_with_share("additive", 0.65, budget=20_000)
table = blocked_sweep(truth, BlockedDesign(structures=8), Spread(seed=0.02), seed=1)
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy.special import logit

from asymnas.analysis.estimates import EVEN, Floats
from asymnas.core.columns import MEASURE

SHARES = (1 / 9, 1 / 5, 1 / 3, 1 / 2, 2 / 3, 4 / 5, 8 / 9)
TAIL = 3  # degrees of freedom of heavy tails


class Truth(Protocol):
    """The average structure's loss."""

    def loss(self, encoder: Any, decoder: Any) -> Any:
        """Loss at sizes of the sides, numbers or arrays."""
        ...


@dataclass(frozen=True, kw_only=True)
class BlockedDesign:
    """What a blocked sweep trains.

    Args:
        budgets: Parameters of both sides together.
        shares: Target decoder shares, in (0, 1).
        structures: Drawn afresh at every budget.
        seeds: Runs of each structure at each share.
        mirrored: Whether each structure has a mirrored run per seed.
        off: By how much a realised share may be off its target, at most.
    """

    budgets: tuple[int, ...] = (20_000,)
    shares: tuple[float, ...] = SHARES
    structures: int = 6
    seeds: int = 2
    mirrored: bool = True
    off: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Standard deviations of log loss about the truth.

    Args:
        structure: Between structures.
        interaction: Of structure × share.
        tilt: Of a structure's slope, per logit of the share.
        seed: Between seeds of one network.
        growth: By how much interaction and seed noise grow per logit of the share away from one
            half, relative to what they are there.
        heavy_tails: Whether interaction and tilt have the tails of Student's t with three degrees
            of freedom.
        mirroring: Log loss of a mirrored run less that of the even split.
    """

    structure: float = 0.3
    interaction: float = 0.025
    tilt: float = 0.0
    seed: float = 0.03
    growth: float = 0.0
    heavy_tails: bool = False
    mirroring: float = 0.0


def blocked_sweep(
    truth: Truth,
    design: BlockedDesign | None = None,
    spread: Spread | None = None,
    *,
    seed: int = 0,
) -> pd.DataFrame:
    """A blocked sweep's table as if its average structure's losses followed a known truth.

    Args:
        truth: The average structure's loss.
        design: What is trained.
        spread: About the truth.
        seed: Fixes all draws.

    Returns:
        One row a run, every one a finished measuring run, with the columns that inferences read.
    """
    design, spread = design or BlockedDesign(), spread or Spread()
    rng = np.random.default_rng(seed)
    mirrored = np.append(np.zeros(len(design.shares), dtype=bool), [True] * design.mirrored)
    targets = np.append(design.shares, [EVEN] * design.mirrored)
    frames = []
    for place, budget in enumerate(design.budgets):
        size = design.structures, len(targets)
        off = design.off * np.minimum(1, 4 * targets * (1 - targets))  # little where it is extreme
        share = targets + off * rng.uniform(-1, 1, size)
        decoder = np.round(share * budget).astype(int)
        x = logit(decoder / budget)
        scale = 1 + spread.growth * np.abs(x)
        log_loss = np.log(truth.loss((budget - decoder).astype(float), decoder.astype(float)))
        log_loss += spread.structure * rng.standard_normal((design.structures, 1))
        log_loss += spread.interaction * scale * _noise(size, spread, rng)
        log_loss += spread.tilt * x * _noise((design.structures, 1), spread, rng)
        log_loss += spread.mirroring * mirrored
        noise = spread.seed * scale[..., None] * rng.standard_normal((*size, design.seeds))
        block, column, replicate = np.indices(noise.shape).reshape(3, -1)
        sides = {"encoder": (budget - decoder)[block, column], "decoder": decoder[block, column]}
        frames.append(
            pd.DataFrame(
                {
                    "state": "complete",
                    "phase": MEASURE,
                    "budget": budget,
                    "target_share": targets[column],
                    "decoder_share": sides["decoder"] / budget,
                    "structure": place * design.structures + block,
                    "cluster": (place * design.structures + block) * len(targets) + column,
                    "replicate": replicate,
                    "mirrored": mirrored[column],
                    "val_loss": np.exp(log_loss[block, column] + noise.ravel()),
                    "encoder_params": sides["encoder"],
                    "decoder_params": sides["decoder"],
                    "total_params": budget,
                    "encoder_macs": 40 * sides["encoder"],
                    "decoder_macs": 55 * sides["decoder"],
                    "total_macs": 40 * sides["encoder"] + 55 * sides["decoder"],
                    "horizon": 1.0,
                    "wave": 0,
                }
            )
        )
    table = pd.concat(frames, ignore_index=True)
    table.insert(0, "trial", np.arange(len(table)))
    empty = pd.array([pd.NA] * len(table), dtype="Int64")
    return table.assign(duplicate_of=empty, retry_of=empty)


def _noise(size: tuple[int, int], spread: Spread, rng: np.random.Generator) -> Floats:
    """Draws of mean nil and unit variance."""
    if spread.heavy_tails:
        return rng.standard_t(TAIL, size) / float(np.sqrt(TAIL / (TAIL - 2)))
    return rng.standard_normal(size)

"""Whether what the loss makes of the decoder share depends on the upsampling."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import orth
from scipy.special import logit

from asymnas.analysis.estimates import Floats
from asymnas.analysis.rows import clusters, measured
from asymnas.table import BUDGET, DECODER_SHARE, DRAWN, STATE, VAL_LOSS
from asymnas.wording import NBSP, plural, probability

UPSAMPLING = DRAWN + "decoder_upsampling"
PERMUTATIONS = 1_999
LEAST_A_LEVEL = 6  # architectures of an upsampling, at as many shares: its parabola has three terms
LEAST_FREE = 5  # degrees of freedom that the larger model leaves
SMALLEST = 1e-12  # of a sum of squares; less is rounding
LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """A test of whether curves of log loss against share differ in shape.

    Args:
        levels: The upsamplings compared, at least two.
        architectures: How many are judged.
        f: The F statistic of the interaction.
        p: Its permutation p.
        explained: Share of the variance of log loss, within budgets and upsamplings, that letting
            the curves differ explains over one common curve, from 0 to 1.
    """

    levels: tuple[str, ...]
    architectures: int
    f: float
    p: float
    explained: float


def interaction(
    table: pd.DataFrame, column: str = UPSAMPLING, *, seed: int = 0
) -> Interaction | None:
    """Tests the interaction of a choice with the decoder share on the log loss.

    Log loss is regressed on budget, choice, logit share and its square, with and without the
    products of choice and share. The residuals of the smaller model are permuted within budgets
    (Freedman and Lane), so that no normal errors are assumed. An architecture counts once, by the
    mean over its seeds.

    Args:
        table: Of a sweep: in a search, the sampler would have chosen the shares by the loss.
        column: The choice.
        seed: Fixes the permutations.

    Returns:
        `None` without the column, or with fewer than two levels of six architectures each.

    Source:
        Freedman & Lane (1983), doi:10.1080/07350015.1983.10509354.
    """
    rows = _architectures(table, column)
    levels = tuple(sorted(rows["choice"].unique()))
    x = logit(rows["share"].to_numpy())
    if len(levels) < 2 or np.ptp(x) == 0:
        return None
    x = (x - x.mean()) / x.std()  # the fit is the same, and its columns are not nearly collinear
    curve = np.column_stack([x, x**2])
    choices = pd.get_dummies(rows["choice"]).to_numpy(dtype=float)
    base = np.column_stack([pd.get_dummies(rows["budget"]).to_numpy(dtype=float), choices])
    common = _basis(base, curve)
    apart = _basis(base, *(choices[:, [i]] * curve for i in range(len(levels))))
    free, more = len(rows) - apart.shape[1], apart.shape[1] - common.shape[1]
    loss = rows["loss"].to_numpy()
    spread = _left(loss, _basis(base))
    if free < LEAST_FREE or more == 0 or spread <= SMALLEST * (loss @ loss):
        return None

    def statistic(losses: Floats) -> Floats:
        gained = _left(losses, common) - (left := _left(losses, apart))
        ratio: Floats = (gained / more) / np.maximum(left / free, SMALLEST * spread)
        return ratio

    fitted = common @ (common.T @ loss)
    shuffled = _shuffles(loss - fitted, rows["budget"].to_numpy(), np.random.default_rng(seed))
    observed = float(statistic(loss))
    as_large = statistic(fitted[:, None] + shuffled) >= observed * (1 - 1e-9)
    return Interaction(
        levels=levels,
        architectures=len(rows),
        f=observed,
        p=float((1 + as_large.sum()) / (1 + PERMUTATIONS)),
        explained=float((_left(loss, common) - _left(loss, apart)) / spread),
    )


def interaction_reading(found: Interaction | None) -> str:
    """A sentence; empty without a test."""
    if found is None:
        return ""
    figures = (
        f"(permutation {probability(found.p)}, {plural(found.architectures, 'architecture')}, "
        f"{100 * found.explained:.0f}{NBSP}% of the variance)"
    )
    names = f"{', '.join(found.levels[:-1])} and {found.levels[-1]}"
    if found.p < LEVEL:
        return f"How the loss depends on the decoder share differs between {names} {figures}."
    return (
        f"How the loss depends on the decoder share is not shown to differ between {names} "
        f"{figures}."
    )


def _architectures(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Columns `choice`, `share`, `budget`, `loss` (log, mean over seeds), levels with enough."""
    empty = pd.DataFrame({"choice": [], "share": [], "budget": [], "loss": []})
    if table.empty or column not in table:
        return empty
    rows = measured(table)
    loss, share = rows[VAL_LOSS].astype(float), rows[DECODER_SHARE].astype(float)
    usable = (rows[STATE] == "complete") & rows[column].notna()
    usable &= np.isfinite(loss) & (loss > 0) & (share > 0) & (share < 1)
    rows = rows[usable]
    frame = pd.DataFrame(
        {
            "choice": rows[column].astype(str),
            "share": share[usable],
            "budget": rows[BUDGET].astype(str) if BUDGET in rows else "",
            "loss": np.log(loss[usable]),
        }
    )
    if frame.empty:
        return empty
    averaged = {"choice": "first", "share": "mean", "budget": "first", "loss": "mean"}
    by_architecture = frame.groupby(clusters(rows), sort=True).agg(averaged)
    counts = by_architecture["choice"].map(by_architecture["choice"].value_counts())
    return by_architecture[counts >= LEAST_A_LEVEL]


def _basis(*columns: Floats) -> Floats:
    """An orthonormal basis `[n, rank]` of all columns."""
    basis: Floats = orth(np.column_stack(columns), rcond=1e-10)
    return basis


def _left(losses: Floats, basis: Floats) -> Floats:
    """The sum of squares that a basis leaves of each column of losses `[n]` or `[n, m]`."""
    rest = losses - basis @ (basis.T @ losses)
    squares: Floats = (rest**2).sum(axis=0)
    return squares


def _shuffles(residuals: Floats, strata: NDArray[np.str_], rng: np.random.Generator) -> Floats:
    """Residuals permuted within strata `[n, PERMUTATIONS]`."""
    shuffled = np.repeat(residuals[:, None], PERMUTATIONS, axis=1)
    for stratum in np.unique(strata):
        rows = strata == stratum
        shuffled[rows] = rng.permuted(shuffled[rows], axis=0)
    return shuffled

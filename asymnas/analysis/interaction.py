"""Whether the upsamplings' curves of loss against decoder share differ in shape."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import orth
from scipy.special import logit

from asymnas.analysis.estimates import Floats
from asymnas.analysis.rows import clusters, is_blocked, is_mirrored, measured
from asymnas.core.columns import BUDGET, DECODER_SHARE, DRAWN, STATE, STRUCTURE, VAL_LOSS

UPSAMPLING = DRAWN + "decoder_upsampling"
PERMUTATIONS = 1_999
LEAST_PER_LEVEL = (
    6  # architectures of an upsampling, at as many shares: its parabola has three terms
)
LEAST_STRUCTURES = 3  # of an upsampling in a blocked sweep: one would be taken for the choice
LEAST_FREE = 5  # degrees of freedom that the larger model leaves
SMALLEST = 1e-12  # of a sum of squares; less is rounding
LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """A test of whether curves of log loss against share differ in shape.

    Args:
        levels: The upsamplings compared, at least two.
        architectures: How many are compared.
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

    In a blocked sweep, structures are compared: each one's log loss and share are taken relative to
    its mean, and choices are permuted between the structures of a budget, whole.

    Without blocks, log loss is regressed on budget, choice, logit share and its square, with and
    without the products of choice and share. The residuals of the smaller model are permuted within
    budgets (Freedman and Lane), so that no normal errors are assumed. An architecture counts once,
    by the mean over its seeds.

    Args:
        table: Of a sweep: in a search, the sampler would have chosen the shares by the loss.
        column: The choice.
        seed: Fixes the permutations.

    Returns:
        `None` without the column, or with fewer than two levels of six architectures each, of three
        structures each in a blocked sweep.

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
    if "block" in rows:
        return _between_structures(rows, curve, levels, np.random.default_rng(seed))
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


def _between_structures(
    rows: pd.DataFrame, curve: Floats, levels: tuple[str, ...], rng: np.random.Generator
) -> Interaction | None:
    """The test within blocks: the choice is the structure's, so that structures are permuted."""
    _, first, place = np.unique(rows["block"], return_index=True, return_inverse=True)
    blocks = np.asarray(place[:, None] == np.arange(len(first)), dtype=float)
    loss, terms = _left_over(rows["loss"].to_numpy(), blocks), _left_over(curve, blocks)
    squares = np.einsum("ni,nb,nc->ibc", blocks, terms, terms)  # by structure
    products = np.einsum("ni,nb,n->ib", blocks, terms, loss)

    def explained(groups: Floats) -> Floats:
        """Sum of squares that a curve per group `[m, groups, structures]` explains `[m]`."""
        gram = np.einsum("mgi,ibc->mgbc", groups, squares)
        slope = np.einsum("mgi,ib->mgb", groups, products)
        result: Floats = np.einsum("mgb,mgbc,mgc->m", slope, np.linalg.pinv(gram), slope)
        return result

    choice, budget = (rows[name].to_numpy(dtype=str)[first] for name in ("choice", "budget"))
    number = np.searchsorted(levels, choice).astype(float)
    labels = np.column_stack([number, _shuffles(number, budget, rng)]).T  # its own first
    apart = explained(np.stack([labels == g for g in range(len(levels))], axis=1).astype(float))
    common = float(explained(np.ones((1, 1, len(first))))[0])
    spread, gained = float(loss @ loss), float(apart[0]) - common
    free = len(loss) - len(first) - curve.shape[1] * len(levels)
    if free < LEAST_FREE or spread <= SMALLEST:
        return None
    left = max((spread - float(apart[0])) / free, SMALLEST * spread)
    as_good = apart[1:] >= apart[0] - 1e-9 * spread
    return Interaction(
        levels=levels,
        architectures=len(rows),
        f=gained / (curve.shape[1] * (len(levels) - 1)) / left,
        p=float((1 + as_good.sum()) / (1 + PERMUTATIONS)),
        explained=gained / spread,
    )


def _left_over(values: Floats, blocks: Floats) -> Floats:
    """Values `[n]` or `[n, m]` less the means of their blocks `[n, blocks]`."""
    rest: Floats = values - blocks @ ((blocks.T @ values).T / blocks.sum(axis=0)).T
    return rest


def _architectures(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Columns `choice`, `share`, `budget`, `loss` (log, mean over seeds), levels with enough."""
    empty = pd.DataFrame({"choice": [], "share": [], "budget": [], "loss": []})
    if table.empty or column not in table:
        return empty
    rows = measured(table)
    rows = rows[~is_mirrored(rows)]
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
    if is_blocked(rows):
        frame = frame.assign(block=rows[STRUCTURE].astype("Int64").astype(str))
        averaged["block"] = "first"
    by_architecture = frame.groupby(clusters(rows), sort=True).agg(averaged)
    choices = by_architecture.groupby("choice")
    enough = choices["loss"].transform("size") >= LEAST_PER_LEVEL
    if "block" in frame:
        enough &= choices["block"].transform("nunique") >= LEAST_STRUCTURES
    return by_architecture[enough]


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

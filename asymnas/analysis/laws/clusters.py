"""From a sweep's table to what a law is fitted to: one entry per architecture, its seeds averaged.

An architecture and its seeds are a cluster: runs within it are not independent evidence about the
share, so everything downstream counts architectures and not runs.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from asymnas.analysis.estimates import Coverage, Floats, Sizes, Stratum
from asymnas.analysis.rows import counting, is_blocked, is_mirrored, of_blocks
from asymnas.core.columns import (
    BUDGET,
    CLUSTER,
    DECODER_MACS,
    DECODER_PARAMS,
    DRAWN,
    ENCODER_MACS,
    ENCODER_PARAMS,
    REPLICATE,
    STATE,
    STRUCTURE,
    TARGET_SHARE,
    VAL_LOSS,
)
from asymnas.core.errors import ConfigError

COLUMNS_OF: dict[Sizes, tuple[str, str]] = {
    "params": (ENCODER_PARAMS, DECODER_PARAMS),
    "macs": (ENCODER_MACS, DECODER_MACS),
}

#: Draws that say how large the sides are or how they were trained: no structure.
NO_STRUCTURE = ("decoder_share", "encoder_width", "decoder_width", "learning_rate", "budget")

LEAST_SPREAD = 1e-9  # standard deviation of log loss that counts as a difference

LOG_LOSS = "log_loss"


@dataclass(frozen=True)
class Clusters:
    """The architectures of a sweep, by budget and number; shapes `[g]`.

    Args:
        budget: The stratum's budget of parameters.
        target: The stratum's decoder share.
        encoder: The encoder's size, in parameters or MACs.
        decoder: The decoder's size.
        log_loss: Mean over seeds of the log validation loss.
        runs: Finished seeds.
        structure: Columns `[g, c]` that the level of the loss is adjusted by: of a blocked sweep,
            one per structure; otherwise the structural draws, centred, numeric ones of unit
            variance.
        block: The structure of each, of a blocked sweep; `None` without blocks.
        seed_deviation: Standard deviation of log loss between the seeds of an architecture; `None`
            if none has two.
        rejected: Finished runs without a positive loss, sizes or an architecture number.
    """

    budget: NDArray[np.int64]
    target: Floats
    encoder: Floats
    decoder: Floats
    log_loss: Floats
    runs: NDArray[np.int64]
    structure: Floats
    block: NDArray[np.int64] | None
    seed_deviation: float | None
    rejected: int

    @property
    def share(self) -> Floats:
        """The decoder share that was realised `[g]`."""
        result: Floats = self.decoder / (self.encoder + self.decoder)
        return result


def clusters_of(table: pd.DataFrame, sizes: Sizes) -> Clusters:
    """The architectures of a sweep that finished at least one measuring run.

    Args:
        table: A sweep's table, rows in any order.
        sizes: Whether a side's size is its parameters or its MACs.

    Returns:
        Possibly none.

    Raises:
        ConfigError: The table is no sweep's: a column is missing.
    """
    encoder, decoder = COLUMNS_OF[sizes]
    needed = [STATE, VAL_LOSS, BUDGET, TARGET_SHARE, CLUSTER, encoder, decoder]
    if missing := [name for name in needed if name not in table]:
        if len(table):
            raise ConfigError(f"a sweep's table must have a column {missing[0]!r} but has none")
        table = table.reindex(columns=[*table.columns, *missing])
    done = table[table[STATE].isin(["complete"])]
    done = of_blocks(done) if is_blocked(table) else counting(done)
    done = done[~is_mirrored(done)]
    numbers = done[[BUDGET, CLUSTER, TARGET_SHARE, encoder, decoder, VAL_LOSS]]
    values: Floats = numbers.to_numpy(dtype=float, na_value=np.nan)
    usable = np.isfinite(values).all(axis=1) & (values[:, 3:] > 0).all(axis=1)
    done = done[usable].assign(**{LOG_LOSS: np.log(values[usable, -1])})
    order = [BUDGET, CLUSTER, *([REPLICATE] if REPLICATE in done else []), LOG_LOSS]
    groups = done.sort_values(order, kind="stable").groupby([BUDGET, CLUSTER], sort=True)
    first, runs = groups.first(), groups.size().to_numpy(dtype=np.int64)
    block = first[STRUCTURE].to_numpy(dtype=np.int64) if is_blocked(table) else None
    return Clusters(
        budget=first.index.get_level_values(BUDGET).to_numpy(dtype=np.int64),
        target=first[TARGET_SHARE].to_numpy(dtype=float),
        encoder=first[encoder].to_numpy(dtype=float),
        decoder=first[decoder].to_numpy(dtype=float),
        log_loss=groups[LOG_LOSS].mean().to_numpy(dtype=float),
        runs=runs,
        structure=structure_columns(first) if block is None else block_columns(block),
        block=block,
        seed_deviation=typical_deviation(groups[LOG_LOSS].var().to_numpy(dtype=float), runs),
        rejected=int((~usable).sum()),
    )


def coverage_of(clusters: Clusters) -> Coverage:
    """How much of a sweep its architectures cover."""
    cells = pd.DataFrame({"budget": clusters.budget, "share": clusters.target.round(6)})
    counts = cells.groupby("budget")["share"].agg(["nunique", "size"])
    return Coverage(
        rejected=clusters.rejected,
        strata=tuple(
            Stratum(budget=int(budget), shares=int(shares), architectures=int(architectures))
            for budget, shares, architectures in counts.itertuples()
        ),
        loss_varies=len(cells) > 1 and float(np.std(clusters.log_loss)) > LEAST_SPREAD,
        seeds_replicated=clusters.seed_deviation is not None,
        shares_replicated=bool(cells.duplicated().any()),
    )


def block_columns(block: NDArray[np.int64]) -> Floats:
    """One column per structure `[g, c]`: the blocks' own levels."""
    return np.asarray(block[:, None] == np.unique(block), dtype=float)


def structure_columns(architectures: pd.DataFrame) -> Floats:
    """The structural draws as centred columns `[g, c]`.

    Numeric draws are scaled to unit variance, others are one column per value; a number that was
    not drawn (its choice is absent from that architecture) counts as the average.
    """
    columns = []
    for name in sorted(str(c) for c in architectures if str(c).startswith(DRAWN)):
        values = architectures[name]
        if name.removeprefix(DRAWN) in NO_STRUCTURE or values.nunique(dropna=False) < 2:
            continue
        if all(isinstance(v, int | float | np.number) for v in values.dropna()):
            number = values.to_numpy(dtype=float, na_value=np.nan)
            number = np.where(np.isfinite(number), number, np.nan)
            if np.isnan(number).all() or not np.nanstd(number) > 0:
                continue
            scaled = (number - np.nanmean(number)) / np.nanstd(number)
            columns.append(np.nan_to_num(scaled))
        else:
            words = [str(value) for value in values]
            columns.extend(
                np.array([word == one for word in words], dtype=float) for one in sorted(set(words))
            )
    stacked = np.array(columns, dtype=float).reshape(len(columns), len(architectures)).T
    centred: Floats = stacked - stacked.mean(axis=0) if len(columns) else stacked
    return centred


def typical_deviation(variances: Floats, runs: NDArray[np.int64]) -> float | None:
    """One standard deviation from variances of groups `[n]`; groups of one give none.

    The median of the variances, each over the median that its chi-squared distribution has for a
    variance of one, so that a few outliers do not count.
    """
    several = runs > 1
    if not several.any():
        return None
    freedom = runs[several] - 1
    return float(np.sqrt(np.median(variances[several] * freedom / chi2.median(freedom))))

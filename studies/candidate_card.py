"""The card of the tables of candidates: every number in it is computed from the tables."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import optuna
import pandas as pd
from scipy.stats import spearmanr

POINTS = 500  # of the search space, at random
LOSSES = ("val_loss", "mae", "psnr")

HEADER = """# Asymmetric autoencoders: the tables

Written by `python studies/candidate_table.py`; every number is computed from the tables.

**What it is.** Autoencoders of one total of parameters whose encoder and decoder were drawn
independently, trained to the end without pruning, with their whole learning curves.

**How candidates were drawn.** By the search space of asymnas, at random: each structural choice of
each side uniformly; the ratio of decoder to encoder parameters log-uniformly from 1/19 to 19; the
learning rate log-uniformly from 0.001 to 0.1; the ratio of the decoder's to the encoder's rate
log-uniformly from 1/4 to 4. Widths then fill the budget at that ratio, or at the nearest at which
they can. The draws do not depend on any result. Every fourth candidate was trained with the seeds
0, 1 and 2, the others with 0. A seed fixes initial weights and the order of batches.

**How they were trained.** AdamW with a warm-up and a decay to zero over the whole length, batches
of 64, fp32, one thread. Losses are of the validation split, at a sixth, a third, two thirds and all
of the examples. A rate decays for the whole length only: a loss at a rung is not that of a training
of that length. No test split was read. A run has failed where a loss was not finite or the output
had collapsed to one for all examples; a loss that is finite and huge is kept as it is.

**What is not in it.** Weights, reconstructions, and the examples of the data sets. Time is not
separated by side; multiply-accumulates are.

**Licence.** The tables: CC BY 4.0. The code: MIT.
"""


def card(tables: Sequence[Any]) -> str:
    """The card, as Markdown.

    Args:
        tables: Of the package's class `Table`, with seed 0.
    """
    parts = [HEADER, _columns(tables[0].rows), *(_section(table) for table in tables)]
    return "\n".join(parts)


def _columns(rows: pd.DataFrame) -> str:
    from candidate_table import COLUMNS

    lines = [f"| `{name}` | {COLUMNS[name]} |" for name in rows if name in COLUMNS]
    parameters = ", ".join(f"`{name}`" for name in rows if name not in COLUMNS)
    return "\n".join(
        [
            "## Columns",
            "",
            "One row per candidate, seed and rung.",
            "",
            "| column | |",
            "|---|---|",
            *lines,
            f"| {parameters} | what was drawn: the parameters of the search space |",
            "",
        ]
    )


def _section(table: Any) -> str:
    about, rows = table.about, table.rows
    runs = rows.groupby(["candidate", "seed"])
    failed = int((rows["failure"] != "").sum())
    ends = _ends(rows)
    first = ends[ends["seed"] == 0].set_index("candidate")
    shares = first["decoder_params"] / first["total_params"]
    set_up = about["set_up"]
    hours = rows["cpu_seconds"].sum() / 3600
    lines = [
        f"## {about['dataset']}",
        "",
        f"{about['encoder_family']} encoders and {about['decoder_family']} decoders, "
        f"{about['budget']:,} parameters, {about['latent']} latent numbers, "
        f"{table.rungs[-1]:,} training examples. {set_up['processor']}, Python {set_up['python']}, "
        f"PyTorch {set_up['torch']}; other work ran on the machine meanwhile, so processor time is "
        "given and not wall time.",
        "",
        "| | |",
        "|---|---|",
        f"| candidates | {len(table)} |",
        f"| runs | {runs.ngroups} |",
        f"| candidates with three seeds | {_several(rows)} |",
        f"| runs that failed (collapsed or diverged) | {failed} |",
        f"| rungs, examples | {', '.join(f'{n:,}' for n in table.rungs)} |",
        f"| processor time in all | {hours:.2f} h |",
        f"| processor time of a run, 5 %, median, 95 % | {_quantiles(_times(rows), '.1f')} s |",
        f"| decoder share, 5 %, median, 95 % | {_quantiles(shares, '.2f')} |",
        f"| least total of parameters | {int(first['total_params'].min()):,} |",
        *(
            f"| {name} at the end, 5 %, median, 95 % | {_quantiles(first[name], '.4g')} |"
            for name in LOSSES
        ),
        f"| lowest val_loss, with seed 0 | {first['val_loss'].min():.4g} |",
        f"| interquartile range of log val_loss over candidates | {_range(first):.2f} |",
        f"| standard deviation of log val_loss over seeds, median | {_seed_spread(ends)} |",
        *(
            f"| rank correlation of val_loss after {examples:,} examples with the end | {value} |"
            for examples, value in _early(rows, table.rungs)
        ),
        f"| rank correlation of val_loss and mae, val_loss and psnr | "
        f"{_rank(first['val_loss'], first['mae'])}, {_rank(first['val_loss'], first['psnr'])} |",
        f"| distance of a random point to the nearest candidate, median of {POINTS} | "
        f"{_distance(table):.3f} |",
        f"| rank correlation of the val_loss of a candidate and of the nearest other one | "
        f"{_neighbours(table, first)} |",
        "",
    ]
    return "\n".join(lines)


def _ends(rows: pd.DataFrame) -> pd.DataFrame:
    """The last rung of runs that did not fail."""
    return rows[(rows["examples"] == rows["examples"].max()) & (rows["failure"] == "")]


def _several(rows: pd.DataFrame) -> int:
    return int((rows.groupby("candidate")["seed"].nunique() == 3).sum())


def _times(rows: pd.DataFrame) -> pd.Series:
    return rows.groupby(["candidate", "seed"])["cpu_seconds"].sum()


def _quantiles(values: pd.Series, form: str) -> str:
    return ", ".join(format(value, form) for value in np.quantile(values, (0.05, 0.5, 0.95)))


def _range(first: pd.DataFrame) -> float:
    low, high = np.quantile(np.log(first["val_loss"]), (0.25, 0.75))
    return float(high - low)


def _seed_spread(ends: pd.DataFrame) -> str:
    """Of the candidates that ended with all three seeds."""
    logs = np.log(ends["val_loss"]).groupby(ends["candidate"])
    deviations = logs.std()[logs.count() == 3]
    return f"{deviations.median():.3f} (of {len(deviations)})"


def _rank(one: pd.Series, other: pd.Series) -> str:
    return f"{spearmanr(one, other).statistic:.2f}"


def _early(rows: pd.DataFrame, rungs: Sequence[int]) -> list[tuple[int, str]]:
    """Over the candidates that ended, with seed 0."""
    own = rows[rows["seed"] == 0].pivot(index="candidate", columns="examples", values="val_loss")
    own = own.dropna()
    return [(early, _rank(own[early], own[rungs[-1]])) for early, _ in pairwise(rungs)]


def _distance(table: Any) -> float:
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(sampler=sampler)
    points = (study.ask(table.search_space).params for _ in range(POINTS))
    return float(np.median([table.nearest(point)[1] for point in points]))


def _neighbours(table: Any, first: pd.DataFrame) -> str:
    """Over the candidates that ended, each with the nearest that ended."""
    failed = set(table.candidates) - set(first.index)
    nearest = [table.nearest(table.params(n), failed | {n})[0] for n in first.index]
    return _rank(first["val_loss"], first.loc[nearest, "val_loss"])

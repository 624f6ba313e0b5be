"""The tables of a report, which the page and the console share."""

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import mean, stdev

import pandas as pd

from asymnas.analysis.blocked.own_rows import OwnRows
from asymnas.analysis.estimates import (
    EVEN,
    Comparison,
    Contender,
    Interval,
    SearchComparison,
    ShareInference,
)
from asymnas.core import columns as t
from asymnas.core.labels import cell, label
from asymnas.core.tables import Rows
from asymnas.core.text import (
    MISSING,
    change,
    percent,
    probability,
    rounded,
    short,
    span,
    statistic,
    with_span,
)
from asymnas.reporting.verdicts import COUNTED, fraction, relative_change
from asymnas.training.metrics import METRICS

MOST_TRIALS = 500  # in a table
SHOWN = ("psnr", "ssim")  # metrics worth a column besides objectives, if all contenders have them


def share_rows(inference: ShareInference) -> Rows:
    """The best share and the cost of an even split, budget by budget.

    Args:
        inference: What was inferred from a sweep.
    """
    entries = inference.budgets
    within = rounded(entries[0].tolerance) if entries else ""
    fitted = f"Fitted by the {inference.law} law; the" if inference.law else "The"
    return Rows(
        title="The best share in numbers" if inference.sizes == "params" else "At equal MACs",
        columns=(
            COUNTED[inference.sizes],
            "best share",
            f"within {within} of the lowest",
            "an even split costs",
            "cross-check",
            "architectures (runs)",
        ),
        rows=tuple(
            (
                f"{entry.budget:,}",
                with_span(entry.share, percent),
                span(entry.within, percent),
                with_span(entry.cost_of_even_split, change),
                with_span(Interval(estimate=entry.cross_check.estimate), percent),
                f"{entry.architectures:,} ({entry.runs:,})",
            )
            for entry in entries
        ),
        caption=f"{fitted} cross-check is a Gaussian process that assumes no law.",
    )


def contrast_rows(inference: ShareInference) -> Rows:
    """What each share costs against an even split of the same structure, budget by budget."""
    rows = []
    for entry in inference.budgets:
        named = [(f"{fraction(c.share)} in the decoder", c) for c in entry.contrasts]
        if entry.mirroring is not None:
            named.append(("the encoder mirrored", entry.mirroring))
        rows += [
            (
                f"{entry.budget:,}",
                name,
                with_span(relative_change(contrast.family), change),
                with_span(relative_change(contrast.networks), change),
                "" if contrast.p_holm is None else probability(contrast.p_holm),
                f"{contrast.structures} ({contrast.runs})",
            )
            for name, contrast in named
            if contrast.share != EVEN or contrast is entry.mirroring
        ]
    return Rows(
        title="Against an even split of the same structure",
        columns=(
            COUNTED[inference.sizes],
            "share",
            "costs, structures of the family at large",
            "these structures",
            "p after Holm",
            "structures (runs)",
        ),
        rows=tuple(rows),
        caption=(
            "Negative: better than an even split. One third and two thirds were fixed beforehand; "
            "other shares have pointwise intervals."
        ),
    )


def method_rows(inference: ShareInference) -> Rows:
    """The best share by each method, budget by budget."""
    return Rows(
        title="The best share by other methods",
        columns=(
            COUNTED[inference.sizes],
            "own runs",
            f"{inference.law or 'no'} law, all budgets",
            "the same, wide prior",
            "Gaussian process",
        ),
        rows=tuple(
            (
                f"{entry.budget:,}",
                *(
                    with_span(share, percent)
                    for share in (entry.share, entry.pooled, entry.wide_prior, entry.cross_check)
                ),
            )
            for entry in inference.budgets
        ),
    )


def horizon_rows(horizons: Mapping[float, Mapping[int, OwnRows]]) -> Rows:
    """The answer against the length of training, for the structures trained to several."""
    return Rows(
        title="The answer against the length of training",
        columns=("length", "parameters", "best share", "an even split costs", "structures"),
        rows=tuple(
            (
                f"{horizon:g}x",
                f"{budget:,}",
                with_span(rows.share, percent),
                with_span(rows.cost_of_even_split, change),
                f"{rows.structures}",
            )
            for horizon, budgets in horizons.items()
            for budget, rows in budgets.items()
        ),
        caption="At each length the same few structures alone, with their first seed.",
    )


def contender_rows(contenders: Sequence[Contender], objectives: Sequence[str] = ()) -> Rows:
    """What was confirmed: test loss over seeds, sizes, learning rate; the lowest loss set off.

    Args:
        contenders: In the order they are listed.
        objectives: Names of the search's; a metric among them has a column.
    """
    worth = dict.fromkeys((*objectives, *SHOWN))
    metrics = [name for name in worth if contenders and all(name in c.metrics for c in contenders)]
    means = [mean(c.scores.values()) if c.scores else float("inf") for c in contenders]
    lowest = min(means, default=float("inf"))
    losses = spreads([c.scores.values() for c in contenders])
    others = [spreads([c.metrics[name].values() for c in contenders]) for name in metrics]
    return Rows(
        title="The contenders in numbers",
        columns=(
            "contender",
            "test loss",
            *(f"test {label(name)}" for name in metrics),
            "decoder share",
            "parameters",
            "MACs",
            "seeds",
            "learning rate",
        ),
        rows=tuple(
            (
                c.name,
                loss,
                *(column[place] for column in others),
                percent(c.decoder_share),
                f"{c.params:,}",
                short(c.macs),
                str(len(c.scores)),
                f"{c.learning_rate:.2g}",
            )
            for place, (c, loss) in enumerate(zip(contenders, losses, strict=True))
        ),
        caption="Mean ± standard deviation over seeds, scored once on the test split.",
        marked=means.index(lowest) if lowest < float("inf") else None,
        tags={means.index(lowest): "lowest"} if lowest < float("inf") else {},
    )


def comparison_rows(comparisons: Sequence[Comparison]) -> Rows:
    """What each comparison came to, with the numbers behind it.

    Args:
        comparisons: In the order they are listed.
    """
    return Rows(
        title="The comparisons in numbers",
        columns=(
            "comparison",
            "outcome",
            "pairs",
            "difference",
            "p",
            "p, Holm",
            "effect",
        ),
        rows=tuple(
            (
                f"{c.first} against {c.second}",
                c.outcome,
                str(c.pairs),
                with_span(c.difference, change),
                statistic(c.p),
                statistic(c.p_holm),
                statistic(c.effect),
            )
            for c in comparisons
        ),
        caption=(
            "Positive differences and effects favour the first. Exact two-sided Wilcoxon "
            "signed-rank test; the effect is the matched-pairs rank-biserial correlation."
        ),
        words=(1,),
    )


def search_rows(searches: SearchComparison) -> Rows:
    """Free against symmetric searches, pair by pair, and over them.

    Args:
        searches: At least one pair.
    """
    rows = [
        (
            f"{pair.symmetric} against {pair.free}",
            change(pair.difference),
            percent(pair.size),
            str(pair.seeds),
        )
        for pair in searches.pairs
    ]
    rows.append(("over all pairs", with_span(searches.difference, change), "", ""))
    return Rows(
        title="Free and symmetric searches in pairs",
        columns=("pair", "test loss, symmetric over free", "parameters, likewise", "seeds"),
        rows=tuple(rows),
        caption=(
            "A pair is two searches of one seed, equally long, on the same splits, whose best was "
            "retrained. Geometric means over seeds, and over pairs with Student's t."
        ),
        marked=len(rows) - 1 if searches.difference.low is not None else None,
        tags={len(rows) - 1: "estimate"} if searches.difference.low is not None else {},
    )


def trial_rows(trials: pd.DataFrame, objectives: Sequence[str]) -> Rows:
    """Every trial: how it ended, its objectives, its size, its rate, what it took.

    Args:
        trials: A trial table; of a long one the first `MOST_TRIALS`.
        objectives: Names of what the front is over.
    """
    names = dict.fromkeys((*objectives, t.TOTAL_PARAMS, t.DECODER_SHARE))
    names = {**names, t.LEARNING_RATE: None, t.EXAMPLES: None, t.SECONDS: None}
    shown = [name for name in names if name in trials]
    return Rows(
        columns=("trial", "state", *(label(name) for name in shown)),
        rows=tuple(
            (str(row[t.TRIAL]), str(row[t.STATE]), *(_of_trial(n, row[n]) for n in shown))
            for row in trials.head(MOST_TRIALS).to_dict("records")
        ),
        caption="The first of them; trials.csv has all." * (len(trials) > MOST_TRIALS),
        words=(1,),
    )


def _of_trial(name: str, value: float) -> str:
    if pd.notna(value) and name in (t.EXAMPLES, t.SECONDS):
        return f"{value:,.0f}" if name == t.EXAMPLES else f"{value:,.1f}"
    return cell(name, value)


def measured_rows(networks: Mapping[str, Mapping[str, float]]) -> Rows:
    """All metrics of a few networks as the page's table.

    Args:
        networks: Values by metric, by the network's name; metrics that none has are left out.
    """
    names = [n for n in METRICS.names() if any(n in values for values in networks.values())]
    return Rows(
        title="What it was measured by",
        columns=("metric", *networks, "better", "what it is"),
        rows=tuple(
            (
                name,
                *(_with_unit(values.get(name), name) for values in networks.values()),
                "higher" if METRICS.get(name).maximize else "lower",
                METRICS.get(name).description,
            )
            for name in names
        ),
        caption="On the validation split; times are disturbed by whatever else the machine did.",
        words=(len(networks) + 1, len(networks) + 2),
    )


def _with_unit(value: float | None, name: str) -> str:
    if value is None:
        return MISSING
    unit = METRICS.get(name).unit
    return f"{value:#.4g}" + (f" {unit}" if unit else "")


def spreads(scores: Sequence[Collection[float]]) -> list[str]:
    """Means ± standard deviations, all with as many decimals as the smallest deviation is worth."""
    deviations = [stdev(numbers) for numbers in scores if len(numbers) > 1]
    positive = [deviation for deviation in deviations if deviation > 0]
    known = [abs(mean(numbers)) for numbers in scores if len(numbers) > 0]
    finest = min(positive) if positive else max(min(known, default=0.01), 1e-12) / 100
    decimals = min(max(1 - math.floor(math.log10(finest)), 0), 12)
    cells = []
    for numbers in scores:
        cell = f"{mean(numbers):.{decimals}f}" if numbers else MISSING
        cells.append(f"{cell} ± {stdev(numbers):.{decimals}f}" if len(numbers) > 1 else cell)
    return cells

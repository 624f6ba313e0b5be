"""The contenders of a confirmation and their comparisons as tables."""

import math
from collections.abc import Collection, Sequence
from statistics import mean, stdev

from asymnas.analysis.estimates import Comparison, Contender, Interval
from asymnas.core.text import MISSING, change, change_span, percent, short, with_span
from asymnas.reporting.figures.content import Rows
from asymnas.reporting.figures.style import label

SHOWN = ("psnr", "ssim")  # metrics worth a column besides objectives, if all contenders have them


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
    losses = _spreads([c.scores.values() for c in contenders])
    others = [_spreads([c.metrics[name].values() for c in contenders]) for name in metrics]
    return Rows(
        title="The contenders in numbers",
        columns=(
            "contender",
            "test loss",
            *(f"test {label(name)}" for name in metrics),
            "decoder share",
            "parameters",
            "MACs",
            "learning rate",
            "seeds",
        ),
        rows=tuple(
            (
                c.name,
                loss,
                *(column[place] for column in others),
                percent(c.decoder_share),
                f"{c.params:,}",
                short(c.macs),
                f"{c.learning_rate:.2g}",
                str(len(c.scores)),
            )
            for place, (c, loss) in enumerate(zip(contenders, losses, strict=True))
        ),
        caption="Mean ± standard deviation over seeds, scored once on the test split.",
        marked=means.index(lowest) if lowest < float("inf") else None,
        tag="lowest",
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
                _difference(c.difference),
                _number(c.p),
                _number(c.p_holm),
                _number(c.effect),
            )
            for c in comparisons
        ),
        caption=(
            "Positive differences and effects favour the first. Exact two-sided Wilcoxon "
            "signed-rank test; the effect is the matched-pairs rank-biserial correlation."
        ),
        words=(1,),
    )


def _difference(difference: Interval) -> str:
    if difference.estimate is None:
        return MISSING
    return with_span(change(difference.estimate), change_span(difference))


def _number(number: float | None) -> str:
    if number is None:
        return MISSING
    if number < 0:
        return f"\N{MINUS SIGN}{-number:.2f}"
    if number < 0.001:
        return "< 0.001"
    return f"{number:.2g}" if number < 0.1 else f"{number:.2f}"


def _spreads(scores: Sequence[Collection[float]]) -> list[str]:
    """Means ± standard deviations, all with as many decimals as the smallest deviation is worth."""
    deviations = [stdev(numbers) for numbers in scores if len(numbers) > 1]
    told = [deviation for deviation in deviations if deviation > 0]
    known = [abs(mean(numbers)) for numbers in scores if len(numbers) > 0]
    finest = min(told) if told else max(min(known, default=0.01), 1e-12) / 100
    decimals = min(max(1 - math.floor(math.log10(finest)), 0), 12)
    cells = []
    for numbers in scores:
        cell = f"{mean(numbers):.{decimals}f}" if numbers else MISSING
        cells.append(f"{cell} ± {stdev(numbers):.{decimals}f}" if len(numbers) > 1 else cell)
    return cells

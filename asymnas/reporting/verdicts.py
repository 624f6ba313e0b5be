"""What a sweep and a confirmation conclude, and what they cannot, in plain sentences.

Every sentence is written from the numbers of `asymnas.analysis` alone: `share_verdict` and
`cautions` for a sweep, `searches_sentences` and `comparison_sentence` for a confirmation.
"""

import math

from asymnas.analysis.comparison import LEAST_SEARCHES
from asymnas.analysis.estimates import (
    EVEN,
    LEAST_PAIRS,
    BudgetShare,
    Comparison,
    Coverage,
    Interval,
    Method,
    Reason,
    SearchComparison,
    ShareInference,
    Sizes,
)
from asymnas.analysis.share import LEAST_ARCHITECTURES, LEAST_SHARES
from asymnas.core.text import (
    digits,
    hundredths,
    percent,
    plural,
    probability,
    rounded,
    short,
    span,
    tenths,
    with_span,
)

#: What budgets count.
COUNTED: dict[Sizes, str] = {"params": "parameters", "macs": "MACs"}

#: Share of the resamples that choose another law at which the choice counts as open.
OPEN_CHOICE = 0.2

EDGE = 1e-4  # an interval that ends this near the shares trained might reach farther
EQUAL_SIZE = 0.03  # of the parameters: pairs of searches within it count as of equal size
SMALLEST_SHOWN = 0.001  # of a relative difference: per cent have one decimal

INCONCLUSIVE = "inconclusive"
NO_DIFFERENCE = "no difference that matters"

#: What the contenders of a confirmation are called in a sentence; others by their own names.
NOUNS = {
    "best": "best found",
    "symmetric": "symmetric control",
    "mirror": "mirror of the best",
    "reference": "reference network",
}
VERDICTS = {
    "better": "a difference beyond chance",
    "worse": "a difference beyond chance",
    "equivalent": NO_DIFFERENCE,
    "undecided": INCONCLUSIVE,
}


# The verdict of a sweep


def share_verdict(inference: ShareInference, dataset: str) -> list[str]:
    """What a sweep concludes, one sentence or two per budget, or why it concludes nothing.

    `At 150k parameters on fashion-mnist the best decoder share is 0.41 (95 % 0.33–0.50); by the
    fit, anything from 0.28 to 0.55 is within 1 %. An even split costs 0.6 % (−0.2 to 1.4 %):
    inconclusive; more architectures per share would narrow the interval.`

    Args:
        inference: Of one sweep.
        dataset: What it was trained on.
    """
    if not inference.budgets:
        return [f"No best decoder share can be inferred on {dataset}.", *cautions(inference)]
    return [_of_budget(entry, inference, dataset) for entry in inference.budgets]


def _of_budget(entry: BudgetShare, inference: ShareInference, dataset: str) -> str:
    place = f"At {short(entry.budget)} {COUNTED[inference.sizes]} on {dataset}"
    share = _share(entry)
    if entry.at_edge:
        share += f", at the edge of those trained ({_trained(entry)}): the optimum may lie beyond"
    best = (
        f"the best decoder share is {share}; by the fit, anything from {entry.within.low:.2f} to "
        f"{entry.within.high:.2f} is within {rounded(entry.tolerance)}"
    )
    if not entry.structures:
        return f"{place} {best}. {_of_even_split(entry, inference)}"
    answer = f"{place} {_of_contrasts(entry)}: {_conclusion(entry)}."
    costs = f"{best[0].upper()}{best[1:]}."
    if entry.cost_of_even_split.estimate is not None:
        costs += f" An even split costs {with_span(entry.cost_of_even_split, tenths)}."
    if entry.mirroring is not None and entry.mirroring.family.estimate is not None:
        mirrored = relative_change(entry.mirroring.family)
        costs += f" Mirroring the encoder costs {with_span(mirrored, tenths)} beside an even split."
    return f"{answer} {costs}"


def _of_contrasts(entry: BudgetShare) -> str:
    """The primary contrasts in words: what one third and two thirds cost against one half."""
    parts = []
    for contrast in entry.contrasts:
        if contrast.primary and contrast.family.estimate is not None:
            text = with_span(relative_change(contrast.family), tenths)
            if contrast.p_holm is not None:
                text = f"{text[:-1]}, {probability(contrast.p_holm)} after Holm)"
            parts.append(f"{fraction(contrast.share)} in the decoder costs {text}")
    structures = plural(entry.structures, "structure")
    return f"{' and '.join(parts)} against an even split ({structures}, each at every share)"


def relative_change(interval: Interval) -> Interval:
    """A difference of log losses as a relative difference of losses: 0.01 is one per cent."""
    ends = (interval.estimate, interval.low, interval.high)
    estimate, low, high = (None if end is None else math.expm1(end) for end in ends)
    return Interval(estimate=estimate, low=low, high=high, level=interval.level)


def fraction(share: float) -> str:
    """A decoder share as a reader would write it."""
    names = {round(1 / 3, 4): "1/3", round(2 / 3, 4): "2/3", EVEN: "1/2"}
    return names.get(round(share, 4), f"{share:.2f}")


REASONS: dict[Reason, str] = {
    "learning rates at an end": "too many learning rates are best at an end of those tried",
    "failed runs": "too many runs failed",
    "failures differ by share": "runs fail more at some shares than at others",
    "no interval": "too few structures finished for an interval",
    "sampling error": "the validation data are too few to show so small a difference",
    "both sides better": "both one third and two thirds look better than one half",
    "wide intervals": "the intervals allow for a gain that matters and for none",
}


def _conclusion(entry: BudgetShare) -> str:
    match entry.outcome:
        case "no difference that matters":
            return NO_DIFFERENCE
        case "encoder-heavy":
            return "the encoder should be the larger side"
        case "decoder-heavy":
            return "the decoder should be the larger side"
        case _:
            return f"{INCONCLUSIVE}, for {'; '.join(REASONS[reason] for reason in entry.why)}"


def _of_even_split(entry: BudgetShare, inference: ShareInference) -> str:
    cost, share = entry.cost_of_even_split, entry.share
    if cost.estimate is None:
        return "The cost of an even split is unknown: one half is not among the shares trained."
    claim = f"An even split costs {tenths(cost.estimate)}"
    if cost.low is None or cost.high is None or share.low is None:
        return f"{claim}, without an interval: {INCONCLUSIVE}; {_missing(entry)}."
    claim += f" ({span(cost, tenths)})"
    if entry.rates_too_narrow:
        return f"{claim}: {INCONCLUSIVE}: {_edge_rates(entry)}; widen the range."
    size = _size(cost, entry.tolerance)
    match entry.outcome:
        case "no difference that matters":
            return f"{claim}: {NO_DIFFERENCE}."
        case "encoder-heavy":
            return f"{claim}: the encoder should be the larger side, and {size}."
        case "decoder-heavy":
            return f"{claim}: the decoder should be the larger side, and {size}."
        case _:
            remedy = _remedy(entry, inference)
            return f"{claim}: {INCONCLUSIVE}; {remedy} would narrow the interval."


def _remedy(entry: BudgetShare, inference: ShareInference) -> str:
    """What is most of the noise: architectures, or seeds after averaging those there are."""
    deviations = inference.deviations
    if "architecture" not in deviations or "seed" not in deviations:
        return "more architectures and seeds per share"
    seeds = entry.runs / entry.architectures
    if deviations["seed"] ** 2 / seeds > deviations["architecture"] ** 2:
        return "more seeds of each architecture"
    return "more architectures per share"


def _edge_rates(entry: BudgetShare) -> str:
    return (
        f"{percent(entry.edge_rates or 0)} of the best learning rates lie at an end of the range "
        "tried, and shares that want rates beyond it look worse than they are"
    )


def _missing(entry: BudgetShare) -> str:
    """Why there is no interval."""
    if entry.share.low is None:
        return f"{plural(entry.architectures, 'architecture')} are too few"
    return "no scaling law fits these losses"


def _size(cost: Interval, tolerance: float) -> str:
    """How the cost of an even split compares with the tolerance, given that there is one."""
    if cost.low is not None and cost.low > tolerance:
        return f"an even split costs more than {rounded(tolerance)}"
    return f"whether an even split costs more than {rounded(tolerance)} is open"


def _share(entry: BudgetShare) -> str:
    share = entry.share
    text = f"{share.estimate:.2f}"
    if share.low is None:
        return f"{text} (no interval)"
    ends = ""
    if share.low <= entry.curve.x[0] + EDGE:
        ends += f"; {share.low:.2f} is the lowest trained"
    if share.high is not None and share.high >= entry.curve.x[-1] - EDGE:
        ends += f"; {share.high:.2f} is the highest trained"
    return f"{text} ({rounded(share.level)} {share.low:.2f}–{share.high:.2f}{ends})"


def _trained(entry: BudgetShare) -> str:
    return f"{entry.curve.x[0]:.2f} to {entry.curve.x[-1]:.2f}"


# What a sweep cannot conclude


def cautions(inference: ShareInference) -> list[str]:
    """What cannot be concluded from a sweep, and what would help: one sentence each."""
    sentences = _of_coverage(inference.coverage)
    if inference.law is not None:
        sentences += _of_fit(inference)
    for entry in inference.budgets:
        if entry.share.estimate is not None:
            sentences += _limits(entry, inference.sizes, alone=len(inference.budgets) == 1)
    return sentences


def _of_coverage(coverage: Coverage) -> list[str]:
    """What a sweep's architectures leave open, whatever is fitted to them."""
    sentences = []
    if coverage.rejected:
        sentences.append(
            f"{plural(coverage.rejected, 'finished run')} without a positive finite loss or "
            "without sizes left out."
        )
    if not coverage.strata:
        return [*sentences, "No measuring run of the sweep has finished: nothing can be concluded."]
    for stratum in coverage.strata:
        place = f"at a budget of {stratum.budget:,}"
        if stratum.shares < LEAST_SHARES:
            sentences.append(
                f"Only {plural(stratum.shares, 'decoder share')} finished {place}: an estimate "
                f"there takes at least {LEAST_SHARES}."
            )
        elif stratum.architectures < LEAST_ARCHITECTURES:
            sentences.append(
                f"Only {plural(stratum.architectures, 'architecture')} finished {place}: intervals "
                f"there take at least {LEAST_ARCHITECTURES}; train more architectures."
            )
    if not coverage.loss_varies:
        sentences.append("The losses do not differ: no share can be preferred to another.")
    if not coverage.seeds_replicated:
        sentences.append(
            "No architecture has two finished seeds: noise between seeds is unknown and counted "
            "as difference between architectures; train several seeds."
        )
    if not coverage.shares_replicated:
        sentences.append(
            "Every share has a single architecture: only the law separates the effect of the share "
            "from that of the architecture; train several architectures per share."
        )
    return sentences


def _of_fit(inference: ShareInference) -> list[str]:
    """What the fit leaves open."""
    sentences = []
    if inference.outliers:
        sentences.append(
            f"{plural(inference.outliers, 'outlier')} more than five standard deviations off the "
            "fit, given little weight: check these architectures' runs."
        )
    if inference.departs:
        sentences.append(
            f"The losses depart from the {inference.law} law by more than architectures of one "
            "share differ, and the other law predicts no better: the cost of an even split has no "
            "interval; look at the points and at the Gaussian process."
        )
    if inference.explained_by_share is not None and inference.explained_by_share <= 0:
        sentences.append(
            "The decoder share does not explain the loss within the noise: held-out architectures "
            "are predicted no better than by the mean of their budget."
        )
    if inference.law_odds is not None and inference.law_odds <= 1 - OPEN_CHOICE:
        sentences.append(
            "The data do not decide between the two laws "
            f"({inference.law} in {percent(inference.law_odds)} of the resamples): the intervals "
            "allow for both; more widely spaced budgets would decide."
        )
    return sentences


def _limits(entry: BudgetShare, sizes: Sizes, *, alone: bool) -> list[str]:
    """What one budget's entry leaves open; `alone` where there is no other budget."""
    sentences = []
    place = f"At {entry.budget:,} {COUNTED[sizes]}"
    if entry.at_edge:
        sentences.append(
            f"{place} the best share is at the edge of those trained ({_trained(entry)}): the "
            "optimum may lie beyond; train shares further out."
        )
    if entry.rates_too_narrow:
        sentences.append(f"{place} {_edge_rates(entry)}: there is no verdict; widen the range.")
    if entry.cost_of_even_split.estimate is None:
        sentences.append(
            f"{place} no share of one half was trained ({_trained(entry)}): the cost of an even "
            "split is unknown."
        )
    if entry.structures:
        return sentences + _of_methods(entry, place, alone=alone)
    if entry.share.overlaps(entry.cross_check) is False:
        sentences.append(
            f"{place} the two methods disagree: the law puts the best share at "
            f"{span(entry.share, hundredths)}, the Gaussian process at "
            f"{span(entry.cross_check, hundredths)}."
        )
    return sentences


METHODS: dict[Method, str] = {
    "pooled": "this budget's own runs",
    "wide prior": "the law with a prior four times wider",
    "gaussian process": "a Gaussian process",
}


def _of_methods(entry: BudgetShare, place: str, *, alone: bool) -> list[str]:
    """Where the methods differ, what failed, and what is not from the budget's own runs."""
    others = {
        "pooled": entry.share,
        "wide prior": entry.wide_prior,
        "gaussian process": entry.cross_check,
    }
    law = "the law" if alone else "the law fitted to all budgets"
    sentences = [
        f"{place} the methods disagree: {law} puts the best share at "
        f"{with_span(entry.pooled, hundredths)}, {METHODS[name]} at "
        f"{with_span(others[name], hundredths)}."
        for name in entry.disagreeing
    ]
    if entry.borrowed:
        source = "the form that it assumes" if alone else "what other budgets show"
        sentences.append(
            f"{place} only the law excludes an even split, by {source}; the budget's own runs do "
            "not."
        )
    if entry.departs:
        sentences.append(
            f"{place} the losses depart from the fitted curve beyond chance: trust the contrasts "
            "before the best share."
        )
    if entry.outliers:
        places = [f"{count} at {fraction(share)}" for share, count in entry.outliers.items()]
        sentences.append(
            f"{place} {plural(sum(entry.outliers.values()), 'network')} ended far off what "
            "structure and share make likely, as where training settles in a poor local optimum: "
            f"{', '.join(places)}. Best share and cost leave them out; the contrasts do not."
        )
    if entry.failures.failed:
        where = [
            f"{count} at {fraction(share)}"
            for share, count in entry.failures.by_share.items()
            if count
        ]
        if mirrored := entry.failures.failed - sum(entry.failures.by_share.values()):
            where.append(f"{mirrored} mirrored")
        sentences.append(
            f"{place} {plural(entry.failures.failed, 'run')} of {entry.failures.runs:,} failed, "
            f"at half the rate too: {', '.join(where)}."
        )
    return sentences


# The verdict of a confirmation


def searches_sentences(searches: SearchComparison) -> list[str]:
    """What the constraint of mirrored sides costs a search, and how far that can be known.

    `Over 3 pairs of searches, a symmetric search ends 2.1 % worse than a free one of the same
    length (0.4 to 3.8 %, p = .03): a difference beyond chance.`
    """
    estimate, pairs = searches.difference.estimate, len(searches.pairs)
    if estimate is None:
        return []
    if pairs < LEAST_SEARCHES:
        return [
            f"Searches were compared in {plural(pairs, 'pair')} alone, which leaves open what the "
            f"luck of a search is: it takes {LEAST_SEARCHES} (--searches {LEAST_SEARCHES} "
            "--fresh). What follows is about the networks at hand."
        ]
    sign, word = (1, "worse") if estimate >= 0 else (-1, "better")
    interval = _difference(searches.difference, sign)
    p = "" if searches.p is None else f", {probability(searches.p)}"
    text = (
        f"Over {plural(pairs, 'pair')} of searches, a symmetric search ends "
        f"{tenths(sign * estimate)} {word} than a free one of the same length "
        f"({interval}{p}): {VERDICTS[searches.outcome]}."
    )
    if searches.outcome == "undecided":
        text += " More pairs (--searches, with --fresh) narrow the interval."
    sentences = [text]
    sizes = [pair.size for pair in searches.pairs]
    if max(abs(size - 1) for size in sizes) > EQUAL_SIZE:
        between = span(Interval(low=min(sizes), high=max(sizes)), percent)
        sentences.append(
            f"The pairs are not of equal size: symmetric networks have {between} of the free "
            "ones' parameters."
        )
    return sentences


def comparison_sentence(comparison: Comparison) -> str:
    """The second contender as seen from the first, with the figures and the verdict.

    `The symmetric control is 0.6 % worse than the best found (−0.2 to 1.4 %, p = .31 after Holm,
    8 seeds): no difference that matters.` The interval is of what the word says, of how much worse
    or of how much better. An inconclusive verdict is followed by its reason.
    """
    first, second = (f"the {NOUNS.get(n, n)}" for n in (comparison.first, comparison.second))
    estimate = comparison.difference.estimate
    if estimate is None:
        claim, figures = f"{second} and {first} have no seed in common", ""
    else:
        sign, word = (1, "worse") if estimate >= 0 else (-1, "better")
        claim = f"{second} is {tenths(sign * estimate)} {word} than {first}"
        if abs(estimate) < SMALLEST_SHOWN / 2:
            claim = f"{second} is by estimate as good as {first}"
        figures = f" ({', '.join(_figures(comparison, sign))})"
    text = f"{claim}{figures}: {VERDICTS[comparison.outcome]}."
    if comparison.outcome == "undecided":
        text += f" {comparison_reason(comparison)}"
    return text[0].upper() + text[1:]


def comparison_reason(comparison: Comparison) -> str:
    """What the outcome of a comparison rests on."""
    pairs = plural(comparison.pairs, "pair")
    if comparison.p is None:
        give = "gives" if comparison.pairs == 1 else "give"
        text = f"{pairs} {give} no verdict: it takes at least {LEAST_PAIRS} seeds."
    elif comparison.outcome == "undecided" and comparison.lacking is not None:
        text = (
            f"With {pairs} and {plural(comparison.comparisons, 'comparison')} no adjusted p below "
            f"{digits(comparison.level)} is possible: it takes at least {comparison.lacking} seeds."
        )
    else:
        text = _basis(comparison)
    if comparison.left_out:
        text += (
            f" {plural(comparison.left_out, 'seed')} left out: a loss is missing, not finite or "
            "not positive."
        )
    return text


def _basis(comparison: Comparison) -> str:
    """The interval and p against the margin and the level."""
    region = f"±{rounded(comparison.margin)}"
    level = digits(comparison.level)
    match comparison.outcome:
        case "equivalent":
            return f"The interval lies within {region}."
        case "undecided":
            certain = comparison.p_holm is not None and comparison.p_holm < comparison.level
            lacks = "includes zero" if certain else f"p is not below {level}"
            return f"The interval reaches beyond {region} and {lacks}."
        case _:
            return f"The interval excludes zero and p is below {level}."


def _figures(comparison: Comparison, sign: int) -> list[str]:
    """Interval, p and seeds, as far as there are."""
    figures = []
    if comparison.difference.low is not None:
        figures.append(_difference(comparison.difference, sign))
    if comparison.p_holm is not None:
        figures.append(f"{probability(comparison.p_holm)} after Holm")
    return [*figures, plural(comparison.pairs, "seed")]


def _difference(interval: Interval, sign: int) -> str:
    ends = sorted(sign * end for end in (interval.low, interval.high) if end is not None)
    return span(Interval(low=ends[0], high=ends[-1]), tenths)

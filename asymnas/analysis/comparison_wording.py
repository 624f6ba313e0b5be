"""What a comparison comes to, in plain sentences."""

from asymnas.analysis.estimates import LEAST_PAIRS, Comparison, Interval
from asymnas.core.text import NBSP, digits, plural, probability, tenths

SMALLEST_SHOWN = 0.001  # of a relative difference: per cent have one decimal

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
    "equivalent": "no difference that matters",
    "undecided": "cannot tell",
}


def comparison_sentence(comparison: Comparison) -> str:
    """The second contender as seen from the first, with the figures and the verdict.

    `The symmetric control is 0.6 % worse than the best found (−0.2 to 1.4 %, p = .31 after Holm,
    8 seeds): no difference that matters.` The interval is of what the word says, of how much worse
    or of how much better. Where the verdict is `cannot tell`, the reason follows.
    """
    first, second = (f"the {NOUNS.get(n, n)}" for n in (comparison.first, comparison.second))
    estimate = comparison.difference.estimate
    if estimate is None:
        claim, figures = f"{second} and {first} have no seed in common", ""
    else:
        sign, word = (1, "worse") if estimate >= 0 else (-1, "better")
        claim = f"{second} is {tenths(sign * estimate)}{NBSP}% {word} than {first}"
        if abs(estimate) < SMALLEST_SHOWN / 2:
            claim = f"{second} is by estimate as good as {first}"
        figures = f" ({', '.join(_figures(comparison, sign))})"
    text = f"{claim}{figures}: {VERDICTS[comparison.outcome]}."
    if comparison.outcome == "undecided":
        text += f" {comparison.reason}"
    return text[0].upper() + text[1:]


def reason(
    comparison: Comparison,
    comparisons: int,
    level: float,
    *,
    lacking: int | None,
    left_out: int,
) -> str:
    """What an outcome rests on.

    Args:
        comparison: Its own reason is not read.
        comparisons: How many p was adjusted for.
        level: What p must be below.
        lacking: The fewest seeds with which p could be; `None` if it could with those there are.
        left_out: Seeds without two losses that can be compared.
    """
    pairs = plural(comparison.pairs, "pair")
    if comparison.p is None:
        text = f"With {pairs} there is no verdict: {LEAST_PAIRS} seeds are the least."
    elif comparison.outcome == "undecided" and lacking is not None:
        text = (
            f"With {pairs} and {plural(comparisons, 'comparison')} no adjusted p below "
            f"{digits(level)} is possible: {lacking} seeds are the least."
        )
    else:
        text = _basis(comparison, level)
    if left_out:
        text += (
            f" {plural(left_out, 'seed')} left out: a loss is missing, not finite or not positive."
        )
    return text


def _basis(comparison: Comparison, level: float) -> str:
    """The interval and p against the margin and the level."""
    region = f"±{100 * comparison.margin:g}{NBSP}%"
    match comparison.outcome:
        case "equivalent":
            return f"The interval lies within {region}."
        case "undecided":
            certain = comparison.p_holm is not None and comparison.p_holm < level
            lacks = "includes zero" if certain else f"p is not below {digits(level)}"
            return f"The interval reaches beyond {region} and {lacks}."
        case _:
            return f"The interval excludes zero and p is below {digits(level)}."


def _figures(comparison: Comparison, sign: int) -> list[str]:
    """Interval, p and seeds, as far as there are."""
    figures = []
    if comparison.difference.low is not None:
        figures.append(_range(comparison.difference, sign))
    if comparison.p_holm is not None:
        figures.append(f"{probability(comparison.p_holm)} after Holm")
    return [*figures, plural(comparison.pairs, "seed")]


def _range(interval: Interval, sign: int = 1) -> str:
    ends = sorted(sign * end for end in (interval.low, interval.high) if end is not None)
    return " to ".join(tenths(end) for end in ends) + f"{NBSP}%"

"""What a sweep says of the decoder's share, in sentences for a practitioner."""

from typing import Literal

from asymnas.analysis.cautions import UNITS
from asymnas.analysis.estimates import BudgetSplit, Interval, SplitInference
from asymnas.core.text import NBSP, plural, short, tenths

SplitOutcome = Literal["asymmetric", "equivalent", "undecided"]

HALF = 0.5
EDGE = 1e-4  # an interval that ends this near the shares trained might reach farther


def split_outcome(entry: BudgetSplit) -> SplitOutcome:
    """Whether one half will do at a budget.

    Returns:
        `equivalent` where the interval of what symmetry costs ends below the tolerance, wherever
        the best share lies; `asymmetric` where the best share's interval excludes one half and the
        cost's lies above zero; `undecided` otherwise.
    """
    share, cost = entry.share, entry.cost_of_symmetry
    if share.low is None or cost.low is None or cost.high is None:
        return "undecided"
    if cost.high < entry.tolerance:
        return "equivalent"
    if not share.contains(HALF) and cost.low > 0:
        return "asymmetric"
    return "undecided"


def split_verdict(inference: SplitInference, dataset: str) -> list[str]:
    """What a sweep concludes, one sentence or two a budget, or why it concludes nothing.

    `At 150k parameters on fashion-mnist the best decoder share is 0.41 (95 % 0.33–0.50); by the
    fit, anything from 0.28 to 0.55 is within 1 %. Symmetry costs 0.6 % (−0.2 to 1.4 %): cannot
    tell; more architectures a share would narrow this.`

    Args:
        inference: Of one sweep.
        dataset: What it was trained on.
    """
    if not inference.budgets:
        why = inference.cautions or ("Too little finished.",)
        return [f"No best decoder share can be told on {dataset}.", *why]
    return [_of_budget(entry, inference, dataset) for entry in inference.budgets]


def _of_budget(entry: BudgetSplit, inference: SplitInference, dataset: str) -> str:
    place = f"At {short(entry.budget)} {UNITS[inference.sizes]} on {dataset}"
    share = _share(entry)
    if entry.at_edge:
        trained = f"{entry.curve.x[0]:.2f} to {entry.curve.x[-1]:.2f}"
        share += f", at the edge of those trained ({trained}): the optimum may lie beyond"
    within = f"{entry.within.low:.2f} to {entry.within.high:.2f}"
    return (
        f"{place} the best decoder share is {share}; by the fit, anything from {within} is "
        f"within {_percent(entry.tolerance)}. {_of_symmetry(entry, _remedy(entry, inference))}"
    )


def _of_symmetry(entry: BudgetSplit, remedy: str) -> str:
    cost, share = entry.cost_of_symmetry, entry.share
    if cost.estimate is None:
        return "What symmetry costs cannot be told: no share of one half lies among those trained."
    claim = f"Symmetry costs {_percent(cost.estimate)}"
    if cost.low is None or cost.high is None or share.low is None:
        return f"{claim}, without an interval: cannot tell; {_missing(entry)}."
    claim += f" ({tenths(cost.low)} to {_percent(cost.high)})"
    match split_outcome(entry):
        case "equivalent":
            return f"{claim}: no difference that matters."
        case "asymmetric":
            return f"{claim}: {_larger(share)}, and {_size(cost, entry.tolerance)}."
        case _:
            return f"{claim}: cannot tell; {remedy} would narrow this."


def _remedy(entry: BudgetSplit, inference: SplitInference) -> str:
    """What is most of the noise: architectures, or seeds after averaging those there are."""
    found = inference.deviations
    if "architecture" not in found or "seed" not in found:
        return "more architectures and seeds a share"
    seeds = entry.runs / entry.architectures
    if found["seed"] ** 2 / seeds > found["architecture"] ** 2:
        return "more seeds of each architecture"
    return "more architectures a share"


def _missing(entry: BudgetSplit) -> str:
    """Why there is no interval."""
    if entry.share.low is None:
        return f"{plural(entry.architectures, 'architecture')} are too few"
    return "no scaling law fits these losses"


def _larger(share: Interval) -> str:
    side = "decoder" if (share.estimate or 0) > HALF else "encoder"
    return f"the {side} should be the larger side"


def _size(cost: Interval, tolerance: float) -> str:
    """How what symmetry costs compares with the tolerance, given that it costs something."""
    if cost.low is not None and cost.low > tolerance:
        return f"one half costs more than {_percent(tolerance)}"
    return f"whether one half costs more than {_percent(tolerance)} is open"


def _share(entry: BudgetSplit) -> str:
    share = entry.share
    text = f"{share.estimate:.2f}"
    if share.low is None:
        return f"{text} (no interval)"
    ends = ""
    if share.low <= entry.curve.x[0] + EDGE:
        ends += f"; {share.low:.2f} is the lowest trained"
    if share.high is not None and share.high >= entry.curve.x[-1] - EDGE:
        ends += f"; {share.high:.2f} is the highest trained"
    return f"{text} ({100 * share.level:g}{NBSP}% {share.low:.2f}–{share.high:.2f}{ends})"


def _percent(fraction: float) -> str:
    shown = f"{100 * fraction:g}" if 100 * fraction == round(100 * fraction) else tenths(fraction)
    return f"{shown}{NBSP}%"

"""What a sweep says of the share, in words and as a table."""

from asymnas.analysis.estimates import COUNTED, BudgetSplit, Interval, SplitInference
from asymnas.core.text import (
    MISSING,
    change,
    change_span,
    level,
    percent,
    plural,
    rounded,
    share_span,
    short,
    with_span,
)
from asymnas.reporting.figures.content import Rows


def split_reading(inference: SplitInference) -> str:
    """Where the loss is lowest, how sure that is, and what one half costs, in two sentences or so.

    Args:
        inference: What was inferred from a sweep.
    """
    told = [split for split in inference.budgets if split.share.estimate is not None]
    if not told:
        why = inference.cautions[0] if inference.cautions else "There are too few runs."
        return f"No best share can be told. {why}"
    reading = _of_one(told[0], inference) if len(told) == 1 else _of_many(told)
    if edges := [short(split.budget) for split in told if split.at_edge]:
        reading += (
            f" At {', '.join(edges)} the best share is at the edge of the shares trained: the "
            "optimum may lie beyond."
        )
    if apart := [s for s in told if s.share.overlaps(s.cross_check) is False]:
        reading += (
            " The Gaussian process, which knows no law, disagrees at "
            f"{', '.join(f'{short(s.budget)}: {_share(s.cross_check)}' for s in apart)}."
        )
    return reading


def _of_one(split: BudgetSplit, inference: SplitInference) -> str:
    reading = (
        f"At {short(split.budget)} {COUNTED[inference.sizes]} the loss is lowest with "
        f"{percent(split.share.estimate or 0)} in the decoder"
    )
    if split.share.low is None:
        reading += "; there are too few architectures for an interval."
    else:
        half = "includes one half" if split.share.contains(0.5) else "leaves out one half"
        reading += f"; the {level(split.share)} interval, {share_span(split.share)}, {half}."
    if split.within.low is not None:
        reading += (
            f" From {share_span(split.within)} it is within {rounded(split.tolerance)} of that."
        )
    cost = split.cost_of_symmetry
    if cost.estimate is not None:
        reading += f" Equal sides cost {with_span(change(cost.estimate), change_span(cost))}."
    return reading


def _of_many(splits: list[BudgetSplit]) -> str:
    shares = [split.share.estimate or 0 for split in splits]
    reading = f"Over {plural(len(splits), 'budget')} the loss is lowest with "
    low, high = percent(min(shares)), percent(max(shares))
    reading += f"{low} in the decoder" if low == high else f"{low} to {high} in the decoder"
    sure = [split for split in splits if split.share.low is not None]
    if not sure:
        reading += "; there are too few architectures for intervals."
    else:
        apart = sum(not split.share.contains(0.5) for split in sure)
        reading += f"; the interval leaves out one half at {apart} of {len(sure)}."
    costs = [s.cost_of_symmetry.estimate for s in splits if s.cost_of_symmetry.estimate is not None]
    if costs:
        reading += f" Equal sides cost {change(min(costs))} to {change(max(costs))}."
    return reading


def split_rows(inference: SplitInference) -> Rows:
    """The same budget by budget as a table.

    Args:
        inference: What was inferred from a sweep.
    """
    splits = inference.budgets
    within = rounded(splits[0].tolerance) if splits else ""
    fitted = f"Fitted by the {inference.law} law; the" if inference.law else "The"
    return Rows(
        title="The best share in numbers" if inference.sizes == "params" else "At equal MACs",
        columns=(
            COUNTED[inference.sizes],
            "best share",
            f"within {within} of the lowest",
            "cost of one half",
            "cross-check",
            "architectures (runs)",
        ),
        rows=tuple(
            (
                f"{split.budget:,}",
                _share(split.share),
                share_span(split.within),
                _cost(split.cost_of_symmetry),
                _share(Interval(estimate=split.cross_check.estimate)),
                f"{split.architectures:,} ({split.runs:,})",
            )
            for split in splits
        ),
        caption=f"{fitted} cross-check is a Gaussian process that knows no law.",
    )


def _share(share: Interval) -> str:
    if share.estimate is None:
        return MISSING
    return with_span(percent(share.estimate), share_span(share))


def _cost(cost: Interval) -> str:
    if cost.estimate is None:
        return MISSING
    return with_span(change(cost.estimate), change_span(cost))

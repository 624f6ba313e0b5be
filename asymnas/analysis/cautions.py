"""What cannot be concluded from a sweep, and what would help: one plain sentence each."""

from asymnas.analysis.estimates import BudgetSplit, Interval, Law, Sizes
from asymnas.analysis.laws.clusters import Clusters
from asymnas.core.text import plural

#: Distinct decoder shares that a budget needs for an estimate.
LEAST_SHARES = 3

#: Architectures that a budget needs for intervals.
LEAST_ARCHITECTURES = 8

#: Share of the resamples that choose another law at which the choice counts as open.
OPEN_CHOICE = 0.2

UNITS: dict[Sizes, str] = {"params": "parameters", "macs": "MACs"}


def about_sweep(clusters: Clusters) -> tuple[str, ...]:
    """What a sweep's architectures leave open, whatever is fitted to them."""
    said = []
    if clusters.rejected:
        said.append(
            f"{plural(clusters.rejected, 'finished run')} without a positive finite loss or "
            "without sizes left out."
        )
    if not len(clusters.runs):
        said.append("No measuring run of the sweep has finished: nothing can be concluded.")
        return tuple(said)
    for budget, shares in clusters.distinct_shares().items():
        at = clusters.budget == budget
        name = f"at a budget of {budget:,}"
        if shares < LEAST_SHARES:
            said.append(
                f"Only {plural(shares, 'decoder share')} finished {name}: {LEAST_SHARES} are the "
                "least for an estimate there."
            )
        elif (count := int(at.sum())) < LEAST_ARCHITECTURES:
            said.append(
                f"Only {plural(count, 'architecture')} finished {name}: {LEAST_ARCHITECTURES} are "
                "the least for intervals there; train more architectures."
            )
    if not clusters.varies:
        said.append("The losses do not differ: there is nothing to tell shares apart by.")
    if clusters.seed_deviation is None:
        said.append(
            "No architecture has two finished seeds: noise between seeds is unknown and counted "
            "as difference between architectures; train several seeds."
        )
    cells = set(zip(clusters.budget, clusters.target.round(6), strict=True))
    if len(cells) == len(clusters.runs):
        said.append(
            "Every share has a single architecture: what is due to the share and what to that "
            "architecture is told apart by the law alone; train several architectures a share."
        )
    return tuple(said)


def about_fit(
    law: Law, *, odds: float | None, by_share: float | None, departs: bool, astray: int
) -> tuple[str, ...]:
    """What the fit leaves open.

    Args:
        law: The law chosen.
        odds: Share of the resamples that choose it; `None` without resamples.
        by_share: R² on held-out architectures against the mean of their budget.
        departs: Whether the means of the shares depart from it beyond chance.
        astray: Architectures far off it.
    """
    said = []
    if astray:
        said.append(
            f"{plural(astray, 'architecture')} more than five standard deviations off the fit, "
            "given little weight: see how the runs went."
        )
    if departs:
        said.append(
            f"The losses depart from the {law} law by more than architectures of a share differ, "
            "and the other law predicts no better: what symmetry costs has no interval; look at "
            "the points and at the Gaussian process."
        )
    if by_share is not None and by_share <= 0:
        said.append(
            "The decoder share does not explain the loss within the noise: held-out architectures "
            "are predicted no better than by the mean of their budget."
        )
    if odds is not None and odds <= 1 - OPEN_CHOICE:
        said.append(
            f"Which law holds is open ({law} in {odds:.0%} of the resamples): the intervals allow "
            "for both; more budgets, further apart, would tell."
        )
    return tuple(said)


def about_budget(entry: BudgetSplit, sizes: Sizes) -> tuple[str, ...]:
    """What one budget's entry leaves open."""
    said = []
    name = f"{entry.budget:,} {UNITS[sizes]}"
    low, high = float(entry.curve.x[0]), float(entry.curve.x[-1])
    if entry.at_edge:
        said.append(
            f"At {name} the best share is at the edge of those trained ({low:.2f} to {high:.2f}): "
            "the optimum may lie beyond; train shares further out."
        )
    if entry.cost_of_symmetry.estimate is None:
        said.append(
            f"At {name} no share of one half was trained ({low:.2f} to {high:.2f}): what symmetry "
            "costs is unknown."
        )
    if entry.share.overlaps(entry.cross_check) is False:
        said.append(
            f"At {name} the two methods disagree: the law puts the best share at "
            f"{_range(entry.share)}, the Gaussian process at {_range(entry.cross_check)}."
        )
    return tuple(said)


def _range(interval: Interval) -> str:
    return f"{interval.low:.2f}–{interval.high:.2f}"

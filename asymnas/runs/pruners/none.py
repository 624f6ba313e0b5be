"""No pruning: every candidate sees all examples."""

from collections.abc import Sequence

from asymnas.runs.pruners import PRUNERS, Progress


@PRUNERS.register("none")
def none(trial: Progress, peers: Sequence[Progress]) -> bool:
    """Never prunes."""
    return False

"""Asynchronous successive halving on the loss, for candidates of one size.

Li et al. 2020, arXiv 1810.05934: of the trials that have reached a rung, those in the best part by
their loss go on, however many have reached it so far.
"""

from collections.abc import Sequence

from asymnas.runs.pruners import PRUNERS, Progress

ETA = 3  # one in ETA goes on
FEWEST = 3  # trials at a rung before any is pruned


@PRUNERS.register("asha")
def asha(trial: Progress, peers: Sequence[Progress]) -> bool:
    """Prunes unless the trial's loss is among the best third of its rung, rounded up."""
    examples, own = trial.curve[-1]
    losses = [loss for peer in peers if (loss := peer.loss_at(examples)) is not None]
    trials = len(losses) + 1
    if trials < FEWEST:
        return False
    return sum(loss < own for loss in losses) >= trials / ETA

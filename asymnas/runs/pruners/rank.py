"""Asynchronous successive halving on the non-dominated rank, the first front protected.

The asynchronous rule is ASHA's (Li et al. 2020, arXiv 1810.05934) with the loss replaced by the
rank of non-dominated sorting (Deb et al. 2002) over all objectives at this rung: the loss, counts,
and what was measured there. Losses compared without regard to the other objectives would prune the
small end of the front. A trial that lacks one of its objectives is not pruned.
"""

from collections.abc import Sequence

import moocore
import numpy as np

from asymnas.runs.pruners import PRUNERS, Progress

ETA = 3  # one in ETA goes on
FEWEST = 3  # trials at a rung before any is pruned


@PRUNERS.register("rank")
def rank(trial: Progress, peers: Sequence[Progress]) -> bool:
    """Prunes unless nothing dominates the trial or fewer than a third of the rung rank above it."""
    examples, _ = trial.curve[-1]
    own = trial.point_at(examples)
    if own is None:
        return False
    points = [own]
    points += [point for peer in peers if (point := peer.point_at(examples)) is not None]
    if len(points) < FEWEST:
        return False
    ranks = moocore.pareto_rank(np.asarray(points, dtype=float))
    above = int(np.sum(ranks < ranks[0]))
    return above >= len(points) / ETA

"""Asynchronous successive halving on several objectives, fair to candidates of any size.

The asynchronous rule is ASHA's (Li et al. 2020, arXiv 1810.05934). A trial that nothing at its rung
dominates goes on. Any other is held against the trials nearest to it in size, its first objective
known beforehand, by the rank of non-dominated sorting (Deb et al. 2002) over the remaining ones: of
loss and size, by the loss. Ranks over all objectives at once would prune the large candidates,
which have not yet outrun those of half their size at the first rungs, and spare the small ones,
which nothing can dominate. A trial that lacks one of its objectives is not pruned.
"""

from collections.abc import Sequence

import moocore
import numpy as np

from asymnas.runs.pruners import PRUNERS, Progress

ETA = 3  # one in ETA goes on
FEWEST = 3  # trials at a rung before any is pruned
NEAR = 8  # trials of about its size that one is held against, itself included, at least
NEAREST = 1 / 3  # of the rung, if that is more


@PRUNERS.register("rank")
def rank(trial: Progress, peers: Sequence[Progress]) -> bool:
    """Prunes unless nothing dominates the trial or it is in the best third of those of its size."""
    examples, _ = trial.curve[-1]
    own = trial.point_at(examples)
    if own is None:
        return False
    points = [own]
    points += [point for peer in peers if (point := peer.point_at(examples)) is not None]
    if len(points) < FEWEST:
        return False
    values = np.asarray(points, dtype=float)
    if moocore.is_nondominated(values, keep_weakly=True)[0]:
        return False
    if trial.costs:
        logs = np.log(np.maximum(values[:, 1], 1.0))
        near = max(NEAR, round(NEAREST * len(values)))
        away = np.abs(logs - logs[0])
        within = away <= np.sort(away)[min(near, len(away)) - 1]  # itself among them, the first
        values = np.delete(values[within], 1, axis=1)
    ranks = moocore.pareto_rank(values)
    above = int(np.sum(ranks < ranks[0]))
    return above >= len(values) / ETA

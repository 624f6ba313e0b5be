"""How long a rung may take before its worker counts as hung.

A worker that hangs, on a file server that does not answer or an accelerator that has failed, keeps
its trial and its place for good. The limit follows from the rungs that were trained so far: none
takes `MARGIN` times as long as the slowest of them, by its examples and their multiply-accumulates.

Decision: docs/decisions/0028-hung-workers-are-replaced.md.
"""

from collections.abc import Hashable, Set
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

MARGIN = 20  # times the longest that a rung is expected to take
LEAST_S = 600.0  # seconds that any rung may take: measuring and loading data take time too
EACH_MACS = 100_000  # what an example takes besides its network, as multiply-accumulates
LONGEST_PASS_S = 2.0  # seconds between two looks; what is beyond was this process's own sleep


def work_of(examples: int, macs: int) -> float:
    """How much there is to do for a rung, as multiply-accumulates.

    Args:
        examples: That it trains on.
        macs: That its network takes for one.
    """
    return examples * (macs + EACH_MACS)


@dataclass
class _Rung:
    """A rung in flight: its work, and the seconds that this process has waited for it."""

    work: float
    waited: float = 0.0


class TimeLimits(Generic[K]):
    """The rungs in flight, and for how long.

    Args:
        now: The time by a clock that does not jump, in seconds.
    """

    def __init__(self, now: float) -> None:
        self._rungs: dict[K, _Rung] = {}
        self._slowest = 0.0  # seconds per unit of work
        self._looked = now

    def begin(self, rung: K, work: float) -> None:
        """Takes in a rung that is to be trained.

        Args:
            rung: A key of its own.
            work: By `work_of`.
        """
        self._rungs[rung] = _Rung(work)

    def end(self, rung: K) -> None:
        """Takes in that a rung is in flight no more."""
        del self._rungs[rung]

    def measured(self, work: float, seconds: float) -> None:
        """Takes in the seconds that a rung took that was trained."""
        self._slowest = max(self._slowest, seconds / work)

    def overdue(self, now: float, at_work: Set[K]) -> dict[K, float]:
        """The rungs that take too long, with the limit in seconds; each is waited for anew.

        There is no limit before a rung has been trained. Time in which this process slept, as with
        a closed lid or after Ctrl-Z, does not count: the workers slept too.

        Args:
            now: The time by the clock.
            at_work: Those that a worker is on: a rung that waits for a worker does not hang.
        """
        passed, self._looked = min(now - self._looked, LONGEST_PASS_S), now
        late: dict[K, float] = {}
        for key, rung in self._rungs.items():
            rung.waited += passed if key in at_work else 0.0
            limit = max(LEAST_S, MARGIN * self._slowest * rung.work)
            if self._slowest and rung.waited > limit:
                late[key], rung.waited = limit, 0.0
        return late

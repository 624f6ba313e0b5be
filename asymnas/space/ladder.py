"""A ladder of budgets: the candidates of a search fill its budget, or a fixed part of it.

Every trial belongs to a rung by its number alone: half of them fill the whole budget, the others
share a quarter and a sixteenth of it. The best of each rung together are the front of loss and
size.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from asymnas.core.errors import BudgetError
from asymnas.networks.families import Suggester
from asymnas.space.filling import suggest_filled
from asymnas.space.space import Candidate, Space
from asymnas.space.suggesters import Random

DIVISORS = (16, 4)  # of the budget, of the rungs below the whole one


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """Rungs of one search, and which trial is of which.

    Args:
        rungs: One space per rung, the smallest budget first; the last has the whole one.
        left_out: Why a budget has no rung, by its parameters.
        first: So many trials come before all others and fill the whole budget: presets.
    """

    rungs: tuple[Space, ...]
    left_out: Mapping[int, str] = field(default_factory=dict)
    first: int = 0

    @property
    def budgets(self) -> tuple[int, ...]:
        """Total parameters of each rung, rising."""
        return tuple(space.budget.total_params for space in self.rungs)

    def space_of(self, trial: int) -> Space:
        """The space of a trial's rung.

        Args:
            trial: Its number in the study.
        """
        whole, smaller = self.rungs[-1], self.rungs[:-1]
        cycle = (whole, *smaller, *[whole] * (len(smaller) - 1))
        return whole if trial < self.first else cycle[(trial - self.first) % len(cycle)]

    def suggest(self, trial: int, suggester: Suggester) -> Candidate:
        """Draws the candidate of a trial; it fills the budget of the trial's rung."""
        return suggest_filled(self.space_of(trial), suggester)

    def sample(self, trial: int, seed: int) -> Candidate:
        """The candidate of a trial drawn at random; the same seed gives the same one."""
        return self.suggest(trial, Random(seed))


def ladder_under(space: Space, *, first: int = 0) -> Ladder:
    """The ladder below a space's budget; a part of it that admits nothing is left out.

    Args:
        space: Of the whole budget.
        first: Trials that come before all others and fill the whole budget.
    """
    rungs: list[Space] = []
    left_out: dict[int, str] = {}
    total = space.budget.total_params
    for divisor in DIVISORS:
        if total < divisor:
            continue
        try:
            rungs.append(space.under(replace(space.budget, total_params=total // divisor)))
        except BudgetError as error:
            left_out[total // divisor] = str(error)
    return Ladder(rungs=(*rungs, space), left_out=left_out, first=first)

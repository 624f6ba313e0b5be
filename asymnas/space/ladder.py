"""A ladder of budgets: the candidates of a search fill its budget, or a fixed part of it.

Every trial belongs to a rung by its number alone: half of them fill the whole budget, the others
share a quarter and a sixteenth of it. Where a sampler learns, one trial in ten fills a size between
the rungs, or below them, with the best network so far of a larger rung instead: what a rung has
found serves the sizes around it too. The best of all sizes together are the front of loss and size.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from asymnas.core.errors import BudgetError
from asymnas.networks.families import Suggester
from asymnas.space.filling import suggest_filled
from asymnas.space.space import Candidate, Space
from asymnas.space.suggesters import Random

DIVISORS = (16, 4)  # of the budget, of the rungs below the whole one
BETWEEN = (2, 8, 32)  # of the budget, of the sizes at which a best network is repeated, in turn
EVERY = 5  # of the trials of smaller rungs, every fifth repeats a network


@dataclass(frozen=True)
class Between:
    """A size that is no rung.

    Args:
        space: Under its budget.
        source: The budget of the next larger rung, whose best network is repeated.
    """

    space: Space
    source: int


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """Rungs of one search, and which trial is of which.

    Args:
        rungs: One space per rung, the smallest budget first; the last has the whole one.
        left_out: Why a budget has no rung, by its parameters.
        first: So many trials come before all others and fill the whole budget: presets.
        between: Sizes that are filled with what is best at a rung.
    """

    rungs: tuple[Space, ...]
    left_out: Mapping[int, str] = field(default_factory=dict)
    first: int = 0
    between: tuple[Between, ...] = ()

    @property
    def budgets(self) -> tuple[int, ...]:
        """Total parameters of each rung, rising."""
        return tuple(space.budget.total_params for space in self.rungs)

    def space_of(self, trial: int, *, repeats: bool = False) -> Space:
        """The space of a trial's rung.

        Args:
            trial: Its number in the study.
            repeats: Whether it repeats a network, and so fills a size between the rungs.
        """
        size = self._between(trial)
        if repeats and size is not None:
            return size.space
        place = self._of_smaller(trial)
        return self.rungs[-1] if place is None else self.rungs[place % len(self.rungs[:-1])]

    def source_of(self, trial: int) -> int | None:
        """The budget whose best network a trial is to repeat at another size; `None` for none.

        Args:
            trial: Its number in the study.
        """
        size = self._between(trial)
        return None if size is None else size.source

    def _between(self, trial: int) -> Between | None:
        turn, place = divmod(self._of_smaller(trial) or 0, EVERY)
        repeats = self.between and place == EVERY - 1
        return self.between[turn % len(self.between)] if repeats else None

    def _of_smaller(self, trial: int) -> int | None:
        """The place of a trial among those of the smaller rungs, which are every second pair."""
        smaller = len(self.rungs) - 1
        cycle, place = divmod(trial - self.first, 2 * smaller or 1)
        return cycle * smaller + place - 1 if cycle >= 0 and 1 <= place <= smaller else None

    def suggest(self, trial: int, suggester: Suggester, *, repeats: bool = False) -> Candidate:
        """Draws the candidate of a trial; it fills the budget of the trial's rung, or its size."""
        return suggest_filled(self.space_of(trial, repeats=repeats), suggester)

    def sample(self, trial: int, seed: int) -> Candidate:
        """The candidate of a trial drawn at random; the same seed gives the same one."""
        return self.suggest(trial, Random(seed))


def ladder_under(space: Space, *, first: int = 0, repeats: bool = False) -> Ladder:
    """The ladder below a space's budget; a part of it that admits nothing is left out.

    Args:
        space: Of the whole budget.
        first: Trials that come before all others and fill the whole budget.
        repeats: Whether sizes between the rungs are filled with what is best at a rung.
    """
    left_out: dict[int, str] = {}

    def part(divisor: int) -> Space | None:
        total = space.budget.total_params // divisor
        if total == 0:
            return None
        try:
            return space.under(replace(space.budget, total_params=total))
        except BudgetError as error:
            left_out[total] = str(error)
            return None

    rungs = (*filter(None, map(part, DIVISORS)), space)
    whole = Ladder(rungs=rungs, left_out=dict(left_out), first=first)
    sizes = filter(None, map(part, BETWEEN if repeats and len(rungs) > 1 else ()))
    between = [
        Between(size, min(b for b in whole.budgets if b >= size.budget.total_params))
        for size in sizes
    ]
    return replace(whole, between=tuple(between))

"""Where candidates come from: a space that a sampler draws from, or a fixed list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from asymnas.core.config import StudyConfig
from asymnas.runs.study import Trial
from asymnas.space.space import Candidate


class Source(Protocol):
    """Anything that says what a trial is to train; `Space` is one."""

    def suggest(self, trial: Trial, /) -> Candidate:
        """The trial's candidate; the same for the same trial, however often it is asked."""

    def holds(self, number: int, /) -> bool:
        """Whether there is a candidate for a trial of that number."""


class Roster:
    """A fixed list: trial n trains the n-th candidate.

    Args:
        candidates: Whom to train, in order.
        draw: Called with each trial to leave its choices with it, for whoever looks at the study;
            they are drawn by a `Listed` sampler and decide nothing.
    """

    def __init__(
        self, candidates: Sequence[Candidate], draw: Callable[[Trial], object] = lambda trial: None
    ) -> None:
        self._candidates, self._draw = candidates, draw

    def holds(self, number: int, /) -> bool:
        """Whether the list is that long; one continued with fewer seeds may not be."""
        return number < len(self._candidates)

    def suggest(self, trial: Trial, /) -> Candidate:
        """The candidate of the trial's number."""
        self._draw(trial)
        return self._candidates[trial.number]


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What one pass of the loop trains.

    Args:
        config: Settings, `trials` counting those of earlier phases too.
        source: Where candidates come from.
        name: What is going on, for the display.
        presets: Draws by preset, each the draws of one of the first trials; in a search only.
        test: Whether a finished candidate is scored on the test split; in a confirmation only.
    """

    config: StudyConfig
    source: Source
    name: str = "trials"
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    test: bool = False

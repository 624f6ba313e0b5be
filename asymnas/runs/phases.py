"""What one pass of the loop trains: candidates that a sampler draws, or a fixed list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asymnas.core import columns as t
from asymnas.core.config import StudyConfig
from asymnas.networks.architecture import Architecture
from asymnas.networks.families import Suggester
from asymnas.space.ladder import Ladder
from asymnas.space.space import Candidate, Space

#: Columns that say what a trial is there for.
LABELS = (
    t.PHASE,
    t.CONTENDER,
    t.BUDGET,
    t.TARGET_SHARE,
    t.CLUSTER,
    t.REPLICATE,
    t.STRUCTURE,
    t.MIRRORED,
    t.HORIZON,
    t.WAVE,
    t.RETRY_OF,
    t.SIZED_FROM,
)

#: Ranges under which the dashboard shows what a list has decided.
ANY_RATE = (1e-7, 1e2)
ANY_RATIO = (1e-6, 1e6)


@dataclass(frozen=True, kw_only=True)
class ListedRun:
    """One run of a fixed list.

    Args:
        architecture: The network.
        learning_rate: The rate it trains at.
        replicate: The place of its seed; runs of one place share initial weights and batches.
        labels: What the trial table says of it besides, by column.
        choices: How it was drawn, shown as the trial's parameters.
        rate_ratio: The decoder's rate over the encoder's.
    """

    architecture: Architecture
    learning_rate: float
    replicate: int
    labels: Mapping[str, Any]
    choices: Mapping[str, Any] = field(default_factory=dict)
    rate_ratio: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What one pass of the loop trains.

    Args:
        config: Settings, `trials` counting those of earlier phases too.
        space: The search space.
        runs: A fixed list in which trial n is the n-th run, earlier phases included; `None` if
            candidates are drawn from the space.
        name: What is going on, for the display.
        presets: Draws by preset, each the draws of one of the first trials; in a search only.
        test: Whether a finished candidate is scored on the test split; in a confirmation only.
        ladder: Which trial fills which part of the budget; `None` if sizes are drawn.
        measure_all: Whether every complete trial is measured by all metrics; otherwise those that
            join the front are.
        every_rung: Metrics that are also taken after each rung, and kept with its processor time.
    """

    config: StudyConfig
    space: Space
    runs: Sequence[ListedRun] | None = None
    name: str = "trials"
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    test: bool = False
    ladder: Ladder | None = None
    measure_all: bool = True
    every_rung: tuple[str, ...] = ()

    def candidate(
        self, trial: int, suggester: Suggester, *, sized_from: int | None = None
    ) -> Candidate:
        """Draws the candidate of a trial.

        Args:
            trial: Its number.
            suggester: Draws.
            sized_from: The trial whose draws it repeats at another size; `None` for none.
        """
        if self.ladder is None:
            return self.space.suggest(suggester)
        return self.ladder.suggest(trial, suggester, repeats=sized_from is not None)

    def source_of(self, trial: int) -> int | None:
        """The budget whose best trial another is to repeat at another size; `None` for none."""
        return None if self.ladder is None else self.ladder.source_of(trial)

    def labels(self, trial: int, *, sized_from: int | None = None) -> Mapping[str, Any]:
        """What the trial table says of a drawn trial besides, by column."""
        if self.ladder is None:
            return {}
        space = self.ladder.space_of(trial, repeats=sized_from is not None)
        repeated = {} if sized_from is None else {t.SIZED_FROM: sized_from}
        return {t.BUDGET: space.budget.total_params, **repeated}

    def draw(self, suggester: Suggester) -> None:
        """Asks for the choices of a listed run by name, each with its range."""
        if not any(run.choices for run in self.runs or ()):
            return
        for part in self.space.parts:
            self.space.structure(part, suggester)
        suggester.suggest_float("decoder_share", 0.0, 1.0)
        suggester.suggest_float("learning_rate", *ANY_RATE, log=True)
        suggester.suggest_float("rate_ratio", *ANY_RATIO, log=True)

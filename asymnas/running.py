"""A trial between ask and tell."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from asymnas import table as t
from asymnas.space import Candidate

QUOTA_EVERY = 10  # one trial in ten is never pruned


@dataclass(eq=False)
class Running:
    """What the coordinator knows of a trial in training.

    Args:
        number: The trial's.
        candidate: What it trains.
        curve: Examples seen and validation loss, by rung.
        seconds: Time workers have spent on it.
        checkpoint: Where the next rung starts.
        metrics: What the last rung was measured by, the validation loss left out.
        attempts: Workers that died at the present rung.
    """

    number: int
    candidate: Candidate
    curve: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
    checkpoint: bytes | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    attempts: int = 0

    @property
    def quota(self) -> bool:
        """Whether it is never pruned, so that what pruning costs can be estimated."""
        return self.number % QUOTA_EVERY == 0

    @property
    def measures(self) -> bool:
        """Whether the run counts, and does not just choose a structure or a learning rate."""
        return bool(self.candidate.labels.get(t.PHASE, t.MEASURE) == t.MEASURE)

    @property
    def examples(self) -> int:
        """Training examples seen."""
        return self.curve[-1][0] if self.curve else 0

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """What the study remembers of the candidate from the start."""
        architecture = self.candidate.architecture
        counts = architecture.counts
        encoder_dense, decoder_dense = architecture.dense_fractions()
        return {
            **self.candidate.labels,
            t.QUOTA: self.quota,
            t.ARCHITECTURE: architecture.to_dict(),
            t.LEARNING_RATE: self.candidate.learning_rate,
            **{name: getattr(counts, name) for name in (*t.COUNT_COLUMNS, t.SHARED_PARAMS)},
            t.DECODER_SHARE: counts.decoder_share,
            t.ENCODER_DENSE: encoder_dense,
            t.DECODER_DENSE: decoder_dense,
        }

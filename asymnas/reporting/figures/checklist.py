"""The practices a study of architecture search is held to, and how far a run keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from asymnas.core.errors import ConfigError

Status = Literal["yes", "partly", "no", "not applicable"]
STATUSES: tuple[Status, ...] = get_args(Status)

#: The fourteen of Lindauer and Hutter, "Best Practices for Scientific Research on Neural
#: Architecture Search", JMLR 21 (243), 2020, in their order and nearly in their words.
PRACTICES = (
    "Release code for the training pipeline",
    "Release code for the search method",
    "Release it now, not once it is cleaned up",
    "Use the same benchmark, not just the same data set",
    "Run ablation studies",
    "Use the same evaluation protocol for all that is compared",
    "Evaluate performance as a function of compute",
    "Compare against random sampling and random search",
    "Validate the results several times",
    "Use tabular or surrogate benchmarks if possible",
    "Control confounding factors",
    "Report the use of hyperparameter optimisation",
    "Report the time of the entire method, end to end",
    "Report all the details of the set-up",
)


@dataclass(frozen=True)
class Practice:
    """One practice and whether the run keeps it.

    Args:
        name: One of `PRACTICES`, or one's own.
        status: How far it is kept.
        evidence: Where that can be seen, or what is missing; one sentence.

    Raises:
        ConfigError: The status is none of `STATUSES`.
    """

    name: str
    status: Status
    evidence: str

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            known = ", ".join(STATUSES)
            raise ConfigError(
                f"status of practice {self.name!r} must be one of {known} but is {self.status!r}"
            )


def tally(practices: Sequence[Practice]) -> str:
    """What a checklist comes to, in a sentence: `9 of 12 kept, 2 partly, 1 not; 2 do not apply.`"""
    counts: Mapping[str, int] = {
        status: sum(practice.status == status for practice in practices) for status in STATUSES
    }
    apply = len(practices) - counts["not applicable"]
    told = [f"{counts['yes']} of {apply} kept"]
    told += [f"{counts['partly']} partly"] if counts["partly"] else []
    told += [f"{counts['no']} not"] if counts["no"] else []
    rest = counts["not applicable"]
    return ", ".join(told) + (
        f"; {rest} {'does' if rest == 1 else 'do'} not apply." if rest else "."
    )

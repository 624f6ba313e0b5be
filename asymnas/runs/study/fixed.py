"""Trials of a fixed list: each is stored whole, with its candidate, before it is asked for."""

from collections.abc import Callable, Mapping
from typing import Any

from optuna.trial import FixedTrial, TrialState, create_trial

from asymnas.networks.families import Suggester
from asymnas.runs.study.bridge import SearchStudy
from asymnas.runs.study.rows import DETAILS


def ask_fixed(
    study: SearchStudy,
    attributes: Mapping[str, Any],
    choices: Mapping[str, Any],
    draw: Callable[[Suggester], object],
) -> int:
    """Adds a running trial whose candidate is decided, or starts one that waits.

    The trial is added in one transaction, so that it is never without its candidate.

    Args:
        study: The study.
        attributes: What the study remembers of the candidate, as for `SearchStudy.add`.
        choices: Values shown as the trial's parameters.
        draw: Asks for each of `choices` by name, with its range.

    Returns:
        The trial's number.
    """
    if (queued := study.queued()) is not None:  # left by an earlier version
        study.start(queued)
        return queued
    drawn = FixedTrial(dict(choices))
    draw(drawn)
    return study.add_running(
        create_trial(
            state=TrialState.RUNNING,
            params=drawn.params,
            distributions=drawn.distributions,
            user_attrs=study.as_attributes(attributes),
        )
    )


def candidate_of(study: SearchStudy, number: int) -> dict[str, Any]:
    """What the study remembers of a trial's candidate; empty if it was never described."""
    attributes = study.recall(number)
    return {**attributes, **attributes.get(DETAILS, {})}

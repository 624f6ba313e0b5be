"""Objectives by name: metrics of the validation split, and counts known before training."""

from collections.abc import Sequence

from asymnas.analysis.front import Objective
from asymnas.core.columns import COUNT_COLUMNS, VAL_LOSS
from asymnas.core.errors import ConfigError, UnknownNameError
from asymnas.training.metrics import METRICS


def resolve_objectives(names: Sequence[str]) -> list[Objective]:
    """Names as objectives with their directions.

    Raises:
        ConfigError: An unknown name, or a count in the first place.
    """
    measured = (VAL_LOSS, *METRICS.names())
    for name in names:
        if name not in (*measured, *COUNT_COLUMNS):
            known = ", ".join((*measured, *COUNT_COLUMNS))
            raise UnknownNameError(
                f"no objective is called {name!r}; there are: {known}", name=name
            )
    if names[0] not in measured:
        raise ConfigError(
            f"the first objective must be measured ({', '.join(measured)}) but got {names[0]!r}"
        )
    maximized = {name for name in METRICS.names() if METRICS.get(name).maximize}
    return [Objective(name, maximize=name in maximized) for name in names]

"""What networks were measured by, one row per metric."""

from collections.abc import Mapping

from asymnas.core.text import MISSING
from asymnas.reporting.content import Rows
from asymnas.training.metrics import METRICS


def measured_rows(networks: Mapping[str, Mapping[str, float]]) -> Rows:
    """All metrics of a few networks as the page's table.

    Args:
        networks: Values by metric, by the network's name; metrics that none has are left out.
    """
    names = [n for n in METRICS.names() if any(n in values for values in networks.values())]
    return Rows(
        title="What it was measured by",
        columns=("metric", *networks, "better", "what it is"),
        rows=tuple(
            (
                name,
                *(_cell(values.get(name), name) for values in networks.values()),
                "higher" if METRICS.get(name).maximize else "lower",
                METRICS.get(name).description,
            )
            for name in names
        ),
        caption="On the validation split; times are disturbed by whatever else the machine did.",
        words=(len(networks) + 1, len(networks) + 2),
    )


def _cell(value: float | None, name: str) -> str:
    if value is None:
        return MISSING
    unit = METRICS.get(name).unit
    return f"{value:#.4g}" + (f" {unit}" if unit else "")

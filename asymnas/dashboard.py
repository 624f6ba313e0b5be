"""python -m asymnas.dashboard: the Optuna dashboard on a run."""

import sys
from copy import copy
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any

from asymnas.core.cli import OK, Given, serve, takes
from asymnas.core.declarations import (
    ARGUMENTS,
    MACHINE,
    Option,
    PathText,
    Port,
    check,
    documented,
    make,
)
from asymnas.core.errors import StudyError
from asymnas.core.terminal import shown

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

MOST_CURVES = 500


def show_few_curves(storage: "BaseStorage") -> None:
    """Has a storage hand out the intermediate values of the first `MOST_CURVES` trials alone.

    The dashboard draws a line and an entry of the legend for each trial that has some, which with
    10,000 trials takes a browser minutes. Our own plot of learning curves shows trials of all.

    Args:
        storage: One that nothing but the dashboard reads.
    """
    whole = storage.get_all_trials

    def get_all_trials(*arguments: Any, **given: Any) -> "list[FrozenTrial]":
        trials = whole(*arguments, **given)
        return [trial if trial.number < MOST_CURVES else _without_curve(trial) for trial in trials]

    storage.get_all_trials = get_all_trials  # type: ignore[method-assign]


def _without_curve(trial: "FrozenTrial") -> "FrozenTrial":
    trial = copy(trial)
    trial.intermediate_values = {}
    return trial


@documented
@dataclass(frozen=True, kw_only=True)
class DashboardConfig:
    """What the dashboard shows, and where.

    Raises:
        ConfigError: A value breaks its rule.
    """

    run_dir: Annotated[
        PathText, Option("The run directory of a search or a sweep", ARGUMENTS, runtime=True)
    ]
    port: Annotated[Port, Option("Port to listen on", MACHINE, runtime=True)] = 8080
    host: Annotated[
        str,
        Option(
            "Address to listen on; others than loopback show the run to the network",
            MACHINE,
            runtime=True,
        ),
    ] = "127.0.0.1"

    def __post_init__(self) -> None:
        check(self)


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name: whatever it stands for
        return False


@takes(DashboardConfig)
def dashboard(**given: Given) -> int:
    """Open the Optuna dashboard on a run, with its result as a note and reconstructions.

    Works on a run that is still going on. Ctrl-C ends it.
    """
    where = make(DashboardConfig, given)
    import optuna_dashboard
    from optuna.artifacts import FileSystemArtifactStore

    from asymnas.runs.directory import DASHBOARD
    from asymnas.runs.run import Run

    run = Run.open(where.run_dir)
    store = FileSystemArtifactStore(str(run.directory / DASHBOARD))
    show_few_curves(run.study.storage)
    address = f"{where.host}:{where.port}"
    if not is_loopback(where.host):
        print(
            f"warning: whoever reaches {address} can read and change this run, and needs no "
            "password",
            file=sys.stderr,
        )
    print(
        f"The dashboard of {shown(where.run_dir)} is at http://{address} (Ctrl-C ends it)",
        flush=True,
    )
    try:
        optuna_dashboard.run_server(
            run.study.storage, host=where.host, port=where.port, artifact_store=store
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise StudyError(f"cannot listen on {address}: {reason}; try another --port") from error
    return OK


if __name__ == "__main__":
    serve(dashboard)

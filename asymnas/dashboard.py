"""python -m asymnas.dashboard: the Optuna dashboard on a run."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from asymnas.core.cli import guarded, serve


def dashboard(
    run_dir: Annotated[Path, Argument(help="The run directory of a search.")],
    port: Annotated[int, Option(help="Port to listen on.", min=1, max=65535)] = 8080,
    host: Annotated[
        str, Option(help="Address to listen on; others than loopback show the run to the network.")
    ] = "127.0.0.1",
) -> None:
    """Open the Optuna dashboard on a run, with its result as a note and reconstructions.

    Works on a run that is still going on. Ctrl-C ends it.
    """
    guarded(lambda: _main(run_dir, port, host))


def _main(run_dir: Path, port: int, host: str) -> int:
    import optuna_dashboard
    from optuna.artifacts import FileSystemArtifactStore

    from asymnas.core.errors import StudyError
    from asymnas.runs.directory import DASHBOARD
    from asymnas.runs.run import Run

    run = Run.open(run_dir)
    store = FileSystemArtifactStore(str(run.directory / DASHBOARD))
    print(f"The dashboard of {run_dir} is at http://{host}:{port} (Ctrl-C ends it)", flush=True)
    try:
        optuna_dashboard.run_server(run.study.storage, host=host, port=port, artifact_store=store)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StudyError(f"cannot listen on {host}:{port}: {reason}; try another --port") from error
    return 0


if __name__ == "__main__":
    serve(dashboard)

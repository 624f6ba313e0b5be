"""python -m asymnas.confirm: the best against its controls, fresh seeds, the test split."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument

from asymnas.core import cli
from asymnas.core.cli import MACHINE, flag, guarded, serve

DESIGN = "Design"


def confirm(
    run_dir: Annotated[Path, Argument(help="The run directory of a search.")],
    seeds: Annotated[
        str | None,
        flag(
            "Fresh seeds for each contender; six are the least for a verdict on one comparison, "
            "seven on three at once, eight on four to six [default: 8]",
            DESIGN,
        ),
    ] = None,
    top: Annotated[
        str | None, flag("Members of the front that are retrained [default: 3]", DESIGN)
    ] = None,
    rates: Annotated[
        str | None,
        flag("Learning rates tried for the mirror, the reference and presets [default: 4]", DESIGN),
    ] = None,
    margin: Annotated[
        str | None,
        flag("Relative difference that does not matter [default: 0.01]", DESIGN),
    ] = None,
    presets: Annotated[
        str | None,
        flag(
            "Published designs sized to the budget as contenders besides, comma-separated, or all "
            "that the data allow: dac, dc-ae, linear-decoder, mae, scvi, sd-vae, taesd, vitok "
            "[default: none]",
            DESIGN,
        ),
    ] = None,
    timeout: cli.Timeout = None,
    workers: Annotated[
        str | None, flag("Local processes [default: as in the search]", MACHINE)
    ] = None,
    device: Annotated[
        str | None, flag("auto, cpu or cuda [default: as in the search]", MACHINE)
    ] = None,
    fresh: Annotated[
        bool, flag("Confirm anew; the symmetric search is kept [default: off]", MACHINE, "--fresh")
    ] = False,
    dry_run: cli.DryRun = False,
    as_json: cli.Json = False,
) -> None:
    """Retrain the best and its symmetric controls, and score them once on the test split.

    The contenders: the front's best; the best of an equally long symmetric search, which is run
    first if it is not there yet; the mirror of the best at the same total; and the reference
    network scaled to the budget. They are compared in pairs by seed.
    Stop it with Ctrl-C at any time: the same command continues it.

    Exit codes: 0 done; 1 failed: data, device or run; 2 bad settings; 130 interrupted, with
    everything finished saved.
    """
    values = cli.given(locals())
    guarded(lambda: _main(values))


def _main(given: dict[str, Any]) -> int:
    from asymnas.core.config import ConfirmationConfig
    from asymnas.reporting.console import (
        exit_code,
        make_console,
        print_confirmation,
        print_confirmation_plan,
    )
    from asymnas.runs.confirmation import execute_confirmation, settle_confirmation
    from asymnas.runs.directory import CONFIRMATION
    from asymnas.runs.progress import display

    values = cli.parsed(given)
    if "margin" in values:
        values["margin"] = cli.numbers("margin", values["margin"])[0]
    console = make_console(stderr="as_json" in given)
    settled = settle_confirmation(
        ConfirmationConfig(**{**values, "run_dir": str(values["run_dir"])})
    )
    print_confirmation_plan(console, settled)
    if "dry_run" in given:
        return 0
    with display(console) as observe:
        run, ending = execute_confirmation(settled, fresh="fresh" in given, observe=observe)
    print_confirmation(console, run, ending)
    path = run.directory / CONFIRMATION
    if "as_json" in given and path.is_file():
        print(path.read_text(), end="")
    return exit_code(ending, done=path.is_file())


if __name__ == "__main__":
    serve(confirm)

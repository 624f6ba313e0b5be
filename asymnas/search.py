"""python -m asymnas.search: the main job."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from asymnas.commands import guarded, load_study_file, parse_duration, parse_whole, serve

_DATA = "Data"
_NETWORK = "Networks"
_SEARCH = "Search"
_MACHINE = "Machine and files"


def _flag(text: str, panel: str, *names: str) -> Any:
    return Option(*names, help=text, show_default=False, rich_help_panel=panel)


def search(
    study: Annotated[
        Path | None,
        Argument(help="A Python file whose study() returns a StudyConfig; flags override it."),
    ] = None,
    dataset: Annotated[
        str | None,
        _flag(
            "digits, photos, fashion-mnist, mnist, cifar10, …, folder:DIR, npz:FILE or csv:FILE "
            "[default: digits]",
            _DATA,
        ),
    ] = None,
    data_root: Annotated[
        str | None, _flag("Where downloadable data sets live [default: ~/.cache/asymnas]", _DATA)
    ] = None,
    download: Annotated[
        bool, _flag("Fetch a missing data set [default: off]", _DATA, "--download")
    ] = False,
    image_size: Annotated[
        str | None,
        _flag("Pixels that a folder's images are resized to [default: their own]", _DATA),
    ] = None,
    family: Annotated[
        str | None, _flag("conv2d or dense [default: by the data's shape]", _NETWORK)
    ] = None,
    kind: Annotated[str | None, _flag("What is trained: plain [default: plain]", _NETWORK)] = None,
    budget: Annotated[
        str | None,
        _flag("Total trainable parameters, a hard cap: 20000, 150k, 1.5M [default: 20k]", _NETWORK),
    ] = None,
    max_encoder_params: Annotated[
        str | None, _flag("Cap on the encoder's parameters [default: none]", _NETWORK)
    ] = None,
    max_decoder_params: Annotated[
        str | None, _flag("Cap on the decoder's parameters [default: none]", _NETWORK)
    ] = None,
    max_macs: Annotated[
        str | None,
        _flag(
            "Cap on the multiply-accumulates of encoding and decoding one example [default: none]",
            _NETWORK,
        ),
    ] = None,
    latent: Annotated[
        str | None,
        _flag("Latent numbers an example; channels a position if spatial [default: 16]", _NETWORK),
    ] = None,
    bottleneck: Annotated[
        str | None,
        _flag("How images meet the latent: dense, spatial or pooled [default: dense]", _NETWORK),
    ] = None,
    symmetric: Annotated[
        bool,
        _flag("Search symmetric architectures only, as a control", _NETWORK, "--symmetric"),
    ] = False,
    objectives: Annotated[
        str | None,
        _flag(
            "Comma-separated; the first is measured (val_loss, mse, psnr), others may be counts "
            "(total_params, encoder_params, decoder_params, total_macs, encoder_macs, "
            "decoder_macs) [default: val_loss,total_params]",
            _SEARCH,
        ),
    ] = None,
    trials: Annotated[
        str | None,
        _flag(
            "Finished trials the run holds in all, those of earlier starts included [default: 60]",
            _SEARCH,
        ),
    ] = None,
    timeout: Annotated[
        str | None,
        _flag("Pause after this time: 90, 45s, 30m, 2h [default: no limit]", _SEARCH),
    ] = None,
    examples: Annotated[
        str | None,
        _flag(
            "Training examples a completed candidate sees [default: six passes, at least 60k, at "
            "most 240k]",
            _SEARCH,
        ),
    ] = None,
    sampler: Annotated[
        str | None, _flag("tpe, nsgaii, gp, random or qmc [default: tpe]", _SEARCH)
    ] = None,
    pruner: Annotated[
        str | None,
        _flag(
            "rank (successive halving on the non-dominated rank) or none [default: rank]", _SEARCH
        ),
    ] = None,
    seed: Annotated[
        str | None, _flag("Fixes splits, draws, weights and batch order [default: 0]", _SEARCH)
    ] = None,
    workers: Annotated[
        str | None, _flag("Local processes [default: one a core, at most 8]", _MACHINE)
    ] = None,
    device: Annotated[str | None, _flag("auto, cpu or cuda [default: auto]", _MACHINE)] = None,
    precision: Annotated[
        str | None,
        _flag(
            "auto, fp32 or bf16; auto is bf16 where it is native and pays [default: auto]", _MACHINE
        ),
    ] = None,
    run_dir: Annotated[
        str | None, _flag("Where results go [default: runs/<study name>]", _MACHINE)
    ] = None,
    storage: Annotated[
        str | None, _flag("Optuna storage URL [default: SQLite in the run directory]", _MACHINE)
    ] = None,
    fresh: Annotated[
        bool, Option("--fresh", help="Start over; otherwise an existing run is continued.")
    ] = False,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Print the plan and its cost; train nothing.")
    ] = False,
    as_json: Annotated[
        bool,
        Option("--json", help="Print the summary on standard output, progress on standard error."),
    ] = False,
) -> None:
    """Search encoder/decoder pairs under a hard parameter budget.

    Each side's depth, width and resampling is drawn on its own; unpromising candidates are
    stopped early. The run directory then holds the front, the best weights and a report.
    Stop it with Ctrl-C at any time: the same command continues it.

    Exit codes: 0 done; 1 failed: data, device or run; 2 bad settings; 130 interrupted, with
    everything finished saved.
    """
    given = {
        name: value for name, value in locals().items() if value is not None and value is not False
    }
    guarded(lambda: _main(given))


def _main(given: dict[str, Any]) -> int:
    from asymnas.closing import make_console, print_plan, print_summary
    from asymnas.progress import display
    from asymnas.run import execute, settle

    plan = settle(_config(given))
    console = make_console(stderr="as_json" in given)
    print_plan(console, plan, full="dry_run" in given)
    if "dry_run" in given:
        return 0
    with display(console) as observe:
        run, ending = execute(plan, fresh="fresh" in given, observe=observe)
    summary = run.summary
    print_summary(console, summary, run.directory, ending)
    if "as_json" in given:
        print(json.dumps(summary, indent=2))
    if ending == "interrupted":
        return 130
    return 0 if summary["best"] or ending == "timeout" else 1


def _config(given: dict[str, Any]) -> Any:
    from asymnas.budget import parse_count
    from asymnas.config import StudyConfig

    counts = ("budget", "max_encoder_params", "max_decoder_params", "max_macs", "examples")
    values = {
        name: value
        for name, value in given.items()
        if name not in ("study", "fresh", "dry_run", "as_json")
    }
    values |= {name: parse_count(values[name]) for name in counts if name in values}
    wholes = ("image_size", "latent", "trials", "seed", "workers")
    values |= {name: parse_whole(name, values[name]) for name in wholes if name in values}
    if "timeout" in values:
        values["timeout"] = parse_duration(values["timeout"])
    if "objectives" in values:
        values["objectives"] = tuple(name.strip() for name in values["objectives"].split(","))
    if "study" not in given:
        return StudyConfig(**values)
    config = load_study_file(given["study"])
    if "dataset" in values:
        values = {"name": "", "run_dir": "", **values}
    return replace(config, **values)


if __name__ == "__main__":
    serve(search)

"""python -m asymnas.search: the main job."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from asymnas.core import cli
from asymnas.core.cli import MACHINE, NETWORK, SEARCH, flag, guarded, load_study_file, serve

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from asymnas.core.config import StudyConfig
    from asymnas.runs.coordinator import Snapshot
    from asymnas.runs.run import Run


def run_search(
    config: "StudyConfig",
    *,
    fresh: bool = False,
    executor: "Executor | None" = None,
    observe: "Callable[[Snapshot], None]" = lambda snapshot: None,
) -> "Run":
    """Runs a search, or continues it, and writes its results.

    Args:
        config: What to run.
        fresh: Start over; otherwise an existing run is continued.
        executor: Where to train; by default local processes.
        observe: Called with a snapshot as the run goes on.

    Raises:
        AsymnasError: Bad settings or data, or a run directory of another study.
    """
    from asymnas.reporting.publish import publish
    from asymnas.runs.execute import execute
    from asymnas.runs.plan import plan_search

    plan = plan_search(config)
    with execute(plan, fresh=fresh, executor=executor, observe=observe) as (run, _):
        publish(run)
    return run


def search(
    study: cli.StudyFile = None,
    dataset: cli.Dataset = None,
    data_root: cli.DataRoot = None,
    download: cli.Download = False,
    image_size: cli.ImageSize = None,
    family: cli.Family = None,
    kind: cli.Kind = None,
    budget: Annotated[
        str | None,
        flag("Total trainable parameters, a hard cap: 20000, 150k, 1.5M [default: 20k]", NETWORK),
    ] = None,
    max_encoder_params: Annotated[
        str | None, flag("Cap on the encoder's parameters [default: none]", NETWORK)
    ] = None,
    max_decoder_params: Annotated[
        str | None, flag("Cap on the decoder's parameters [default: none]", NETWORK)
    ] = None,
    max_macs: Annotated[
        str | None,
        flag(
            "Cap on the multiply-accumulates of encoding and decoding one example [default: none]",
            NETWORK,
        ),
    ] = None,
    latent: cli.Latent = None,
    bottleneck: cli.Bottleneck = None,
    symmetric: Annotated[
        bool,
        flag("Search symmetric architectures only, as a control", NETWORK, "--symmetric"),
    ] = False,
    enqueue: Annotated[
        str | None,
        flag(
            "Begin with published designs sized to the budget: comma-separated presets of the "
            "family, or all. conv2d: dc-ae, reference, sd-vae, taesd; conv1d: dac; dense: scvi; "
            "transformer: mae, vitok. They count among the trials, and the sampler learns from "
            "them [default: none]",
            SEARCH,
        ),
    ] = None,
    objectives: Annotated[
        str | None,
        flag(
            "Comma-separated; the first is measured (val_loss, or a metric such as psnr, ssim, "
            "probe_accuracy, decoder_latency_1; docs/metrics.md has all), others may be counts "
            "(total_params, encoder_params, decoder_params, total_macs, encoder_macs, "
            "decoder_macs) [default: val_loss,total_params]",
            SEARCH,
        ),
    ] = None,
    trials: Annotated[
        str | None,
        flag(
            "Finished trials the run holds in all, those of earlier starts included [default: 60]",
            SEARCH,
        ),
    ] = None,
    timeout: cli.Timeout = None,
    examples: cli.Examples = None,
    sampler: Annotated[
        str | None, flag("tpe, nsgaii, gp, random or qmc [default: tpe]", SEARCH)
    ] = None,
    pruner: Annotated[
        str | None,
        flag("rank (successive halving on the non-dominated rank) or none [default: rank]", SEARCH),
    ] = None,
    seed: cli.Seed = None,
    workers: cli.Workers = None,
    device: cli.Device = None,
    precision: cli.Precision = None,
    run_dir: Annotated[
        str | None, flag("Where results go [default: runs/<study name>]", MACHINE)
    ] = None,
    storage: cli.Storage = None,
    fresh: cli.Fresh = False,
    dry_run: cli.DryRun = False,
    as_json: cli.Json = False,
) -> None:
    """Search encoder/decoder pairs under a hard parameter budget.

    Each side's depth, width and resampling is drawn on its own; unpromising candidates are
    stopped early. The run directory then holds the front, the best weights and a report.
    Stop it with Ctrl-C at any time: the same command continues it.

    Exit codes: 0 done; 1 failed: data, device or run; 2 bad settings; 130 interrupted, with
    everything finished saved.
    """
    values = cli.given(locals())
    guarded(lambda: _main(values))


def _main(given: dict[str, Any]) -> int:
    from asymnas.reporting.console import exit_code, make_console, print_plan, print_summary
    from asymnas.reporting.progress import display
    from asymnas.reporting.publish import publish
    from asymnas.runs.execute import execute
    from asymnas.runs.plan import plan_search

    plan = plan_search(_config(given))
    console = make_console(stderr="as_json" in given)
    print_plan(console, plan, full="dry_run" in given)
    if "dry_run" in given:
        return 0
    with (
        display(console) as observe,
        execute(plan, fresh="fresh" in given, observe=observe) as (run, ending),
    ):
        summary = publish(run)
    print_summary(console, run, summary, ending)
    if "as_json" in given:
        print(json.dumps(summary, indent=2))
    return exit_code(ending, done=bool(summary["best"]))


def _config(given: dict[str, Any]) -> Any:
    from asymnas.core.config import StudyConfig

    values = cli.parsed(given)
    if "study" not in given:
        return StudyConfig(**values)
    config = load_study_file(given["study"])
    if "dataset" in values:
        values = {"name": "", "run_dir": "", **values}
    return replace(config, **values)


if __name__ == "__main__":
    serve(search)

"""Whether kinds do on Fashion-MNIST what they are known to do.

    python benchmarks/kinds.py [CASE ...] [--runs runs/kinds]

Searches under 150,000 parameters, and writes benchmarks/kinds.md with hardware and versions; named
cases alone are printed, and nothing is written. A search that was ended continues where it stood,
and one that is finished is read. Needs Fashion-MNIST: see docs/data.md.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from heading import heading

from asymnas import Architecture, StudyConfig, find_best_architecture, run_search
from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset
from asymnas.networks.families.dense import DenseSide
from asymnas.runs.run import TrainedArchitecture
from asymnas.training.measurement import metric_facts, resolve_metrics
from asymnas.training.rung import Job, RungResult, train_rung

RESULTS = Path(__file__).with_suffix(".md")
DATA = "fashion-mnist"
BERNOULLI = "variational:likelihood=bernoulli"
RATIOS = (0.25, 0.5, 0.75, 0.9)
PUBLIC_EPOCHS, PUBLIC_BATCH, PUBLIC_RATE = 10, 128, 1e-3
TRAINING_EXAMPLES = 54_000  # of the 60,000; the others validate


@dataclass(frozen=True, kw_only=True)
class Case:
    config: StudyConfig
    says: Callable[[TrainedArchitecture], str]


def of(kind: str, **changes: Any) -> StudyConfig:
    usual = StudyConfig(
        dataset=DATA,
        kind=kind,
        budget=150_000,
        latent=16,
        trials=6,
        examples=60_000,
        objectives=("val_loss",),
        learning_rates=(1e-3, 8e-3),
        workers=2,
        device="cpu",
    )
    return replace(usual, **changes)


def about_elbo(best: TrainedArchitecture) -> str:
    values = best.values
    elbo, active = values["kl"] + values["distortion"], values["active_units"]
    return (
        f"negative ELBO {elbo:.1f} nats = {values['distortion']:.1f} distortion + "
        f"{values['kl']:.1f} KL; {active:.0%} of 16 units active"
    )


def about_codes(best: TrainedArchitecture) -> str:
    return f"perplexity {best.values['perplexity']:.1f}; MSE {best.values['mse']:.4f}"


def about_masks(best: TrainedArchitecture) -> str:
    """The probe, that of the same network before training, and the cost by visible share."""
    macs = {}
    for ratio in RATIOS:
        masked = {**best.architecture.to_dict(), "kind": f"masked:ratio={ratio}"}
        macs[ratio] = Architecture.from_dict(masked).counts.encoder_macs
    whole = Architecture.from_dict({**best.architecture.to_dict(), "kind": "plain"})
    parts = ", ".join(
        f"{macs[ratio] / whole.counts.encoder_macs:.3f} with {1 - ratio:.0%} visible"
        for ratio in RATIOS
    )
    untrained = one_rung(best.architecture, rate=1e-9, batch=64, steps=1).metrics
    return (
        f"linear probe of the latent {best.values['probe_accuracy']:.1%} "
        f"({untrained['probe_accuracy']:.1%} before training, 10 % by chance); encoder MACs, of "
        f"those on whole examples: {parts}"
    )


CASES = {
    "variational": Case(config=of(BERNOULLI, examples=180_000), says=about_elbo),
    "variational-gaussian": Case(config=of("variational"), says=about_elbo),
    "vq": Case(config=of("vq"), says=about_codes),
    "vq-spatial": Case(config=of("vq", latent=4, bottleneck="spatial"), says=about_codes),
    "fsq": Case(config=of("fsq"), says=about_codes),
    "masked": Case(
        config=of("masked", family="transformer", latent=8, bottleneck="spatial"), says=about_masks
    ),
}


def one_rung(architecture: Architecture, *, rate: float, batch: int, steps: int) -> RungResult:
    """Trains one network outside a search, and measures it."""
    data = DataSpec(name=DATA)
    job = Job(
        architecture=architecture,
        data=data,
        learning_rate=rate,
        batch_size=batch,
        seed=0,
        until=steps,
        total=steps,
        device="cpu",
        metrics=resolve_metrics((), metric_facts(load_dataset(data), architecture)),
    )
    return train_rung(job)


def public_elbo() -> str:
    """The network of the PyTorch examples, 784-400-16-400-784, trained as it is there."""
    side = DenseSide(widths=(400,), activation="relu")
    architecture = Architecture(
        encoder_family="dense",
        decoder_family="dense",
        encoder=side,
        decoder=side,
        shape=(1, 28, 28),
        latent=16,
        kind=BERNOULLI,
    )
    steps = PUBLIC_EPOCHS * TRAINING_EXAMPLES // PUBLIC_BATCH
    found = one_rung(architecture, rate=PUBLIC_RATE, batch=PUBLIC_BATCH, steps=steps).metrics
    return (
        f"| `{BERNOULLI}`, the public network | {steps * PUBLIC_BATCH:,} | "
        f"{architecture.counts.total_params:,} | | negative "
        f"ELBO {found['kl'] + found['distortion']:.1f} nats = {found['distortion']:.1f} distortion "
        f"+ {found['kl']:.1f} KL; {found['active_units']:.0%} of 16 units active |"
    )


def row_of(name: str, runs: Path) -> str:
    case = CASES[name]
    config = replace(case.config, name=f"kinds-{name}", run_dir=str(runs / name))
    run = run_search(config)
    best = find_best_architecture(run)
    failed = run.summary["trials"]["failed"]
    return (
        f"| `{config.kind}`, {run.study.config['family']}, {config.bottleneck} latent of "
        f"{config.latent} | {config.examples:,} | {best.architecture.counts.total_params:,} | "
        f"{failed} of {config.trials} | {case.says(best)} |"
    )


def write(rows: list[str]) -> None:
    lines = [
        *heading("Kinds on Fashion-MNIST", __file__),
        "Searches of `val_loss` alone under 150,000 parameters, six trials, learning "
        "rates from 0.001 to 0.008, seed 0; all figures on the validation split. The "
        "public network is that of the PyTorch examples repository with a latent of 16 in place "
        f"of 20: {PUBLIC_EPOCHS} passes in batches of {PUBLIC_BATCH} at {PUBLIC_RATE}. *Failed* "
        "are those that diverged or collapsed.",
        "",
        "| kind, family | examples | parameters | failed | found |",
        "|---|---|---|---|---|",
        *rows,
    ]
    RESULTS.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"by default all: {[*CASES]}")
    parser.add_argument("--runs", type=Path, default=Path("runs/kinds"))
    args = parser.parse_args()
    if unknown := set(args.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    torch.set_num_threads(1)
    rows = []
    for name in args.cases or CASES:
        rows.append(row_of(name, args.runs))
        print(rows[-1], flush=True)
    if not args.cases:
        rows.append(public_elbo())
        print(rows[-1], flush=True)
        write(rows)


if __name__ == "__main__":
    main()

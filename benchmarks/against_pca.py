"""Whether each family learns: the best of a short search against principal components.

    python benchmarks/against_pca.py [CASE ...] [--runs runs/against_pca]

Searches under 100,000 parameters and writes benchmarks/against_pca.md with hardware and versions;
named cases alone are printed, and nothing is written. PCA is fitted on the training split and
scored on the validation split, in the values that the networks take, with as many components as
the network found has latent numbers. A search that was ended continues where it stood, and one
that is finished is read, so the table can be made again from the runs.
"""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from heading import heading
from sklearn.decomposition import PCA
from torch import Tensor

from asymnas import StudyConfig, find_best_architecture, run_search
from asymnas.data.base import load_dataset
from asymnas.networks.families import FAMILIES
from asymnas.training.evaluation import as_input

RESULTS = Path(__file__).with_suffix(".md")
BUDGET = 100_000


@dataclass(frozen=True, kw_only=True)
class Case:
    dataset: str
    family: str
    latent: int = 16
    bottleneck: Literal["dense", "spatial", "pooled"] = "dense"
    trials: int = 12
    examples: int = 60_000

    @property
    def name(self) -> str:
        return f"{self.dataset}-{self.family}-{self.bottleneck}"


CASES = [
    Case(dataset="digits", family="dense", trials=16, examples=240_000),
    Case(dataset="signals", family="conv1d"),
    Case(dataset="fashion-mnist", family="dense", trials=16, examples=240_000),
    Case(dataset="fashion-mnist", family="conv2d"),
    Case(dataset="fashion-mnist", family="transformer", trials=11),
]


def config_of(case: Case, runs: Path) -> StudyConfig:
    return StudyConfig(
        dataset=case.dataset,
        name=case.name,
        family=case.family,
        latent=case.latent,
        bottleneck=case.bottleneck,
        budget=BUDGET,
        objectives=("val_loss",),
        trials=case.trials,
        examples=case.examples,
        workers=1,
        device="cpu",
        run_dir=str(runs / case.name),
    )


def values_of(examples: Tensor) -> Tensor:
    """Examples as networks take them, one a row, `[n, d]`, float64."""
    return as_input(examples).flatten(1).double()


def pca_loss(config: StudyConfig, components: int) -> float:
    """Mean squared error of PCA on the validation split."""
    data = load_dataset(config.data())
    pca = PCA(components, svd_solver="full").fit(values_of(data.train).numpy())
    x = values_of(data.validation).numpy()
    return float(((pca.inverse_transform(pca.transform(x)) - x) ** 2).mean())


def row_of(case: Case, runs: Path) -> str:
    """Searches, or goes on, and tells what came of it as a row of the table."""
    config = config_of(case, runs)
    run = run_search(config)
    finished = sum(run.summary["trials"][state] for state in ("complete", "pruned", "failed"))
    if finished < case.trials:
        raise SystemExit(f"{case.name} was ended after {finished} trials: the same command goes on")
    best = find_best_architecture(run)
    architecture = best.architecture
    latent = FAMILIES.get(case.family).latent_shape(architecture.problem)
    code = math.prod(latent)
    linear, network = pca_loss(config, code), best.values["val_loss"]
    sizes = "×".join(map(str, latent))
    cells = [
        f"`{case.dataset}`",
        f"`{case.family}`, {case.bottleneck}",
        str(code) if len(latent) == 1 else f"{code} ({sizes})",
        f"{linear:.5f}",
        f"{network:.5f}",
        f"{network / linear:.2f}",
        f"{best.encoder_params + best.decoder_params:,}",
        f"{best.decoder_share:.0%}",
        f"{case.trials} × {best.examples:,}",
        f"{run.summary['wall_seconds']:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def write(rows: list[str]) -> None:
    lines = [
        *heading("Each family against principal components", __file__),
        f"Default searches under {BUDGET:,} parameters: plain "
        "autoencoders, seed 0; one worker, so that the same "
        "candidates are drawn again. Mean squared errors on the validation split, which the search "
        "has chosen the network by. PCA is fitted on the training split, in the same values (bytes "
        "over 255; standardised channels), with as many components as the network has latent "
        "numbers. *Seconds* are of the whole search, on cores that much other work shared.",
        "",
        "| data | family, bottleneck | latent numbers | PCA | network | network / PCA | parameters "
        "| in the decoder | trials × examples | seconds |",
        "|---" * 10 + "|",
        *rows,
    ]
    RESULTS.write_text("\n".join(lines) + "\n")


def main() -> None:
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"by default all: {names}")
    parser.add_argument("--runs", type=Path, default=Path("runs/against_pca"))
    args = parser.parse_args()
    if unknown := set(args.cases) - set(names):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    torch.set_num_threads(1)
    rows = []
    for case in CASES:
        if case.name in (args.cases or names):
            rows.append(row_of(case, args.runs))
            print(rows[-1], flush=True)
    if not args.cases:
        write(rows)


if __name__ == "__main__":
    main()

"""The learning rate at which a search of images should train its first trial, the plain network.

    python benchmarks/first_rate.py [--runs runs/first-rate]

The preset `reference`, sized to budgets of 20,000 to 500,000 parameters, trains alone at fixed
rates. Writes benchmarks/first_rate.md: the validation loss by rate, and the rate that a search
takes. Some fifteen minutes on two cores; what was trained is not trained again.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from heading import heading

from asymnas import StudyConfig, run_search
from asymnas.runs.plan import plan_search

RESULTS = Path(__file__).with_suffix(".md")
RATES = (0.005, 0.01, 0.02, 0.03, 0.045, 0.065, 0.09)
WITHIN = 1.001  # a range of rates that is next to one rate


@dataclass(frozen=True)
class Case:
    """The plain network of one size.

    Args:
        dataset: Its data.
        budget: Its parameters, at most.
        examples: Training examples; `None` for as many as a search takes.
        seed: Fixes splits, weights and batches.
    """

    dataset: str
    budget: int
    examples: int | None
    seed: int

    def config(self, run_dir: Path, rate: float | None) -> StudyConfig:
        """A search of this trial alone, at a rate or at the usual one."""
        own = {} if rate is None else {"learning_rates": (rate / WITHIN, rate * WITHIN)}
        return StudyConfig(
            dataset=self.dataset,
            budget=self.budget,
            examples=self.examples,
            seed=self.seed,
            trials=1,
            workers=1,
            device="cpu",
            precision="fp32",
            enqueue=("reference",),
            metrics=("psnr",),
            run_dir=str(run_dir),
            **own,
        )


CASES = (
    *(Case("digits", 20_000, None, seed) for seed in range(4)),
    Case("digits", 100_000, None, 0),
    Case("digits", 500_000, None, 0),
    *(Case("fashion-mnist", 150_000, 60_000, seed) for seed in range(2)),
)


def loss_of(case: Case, rate: float, runs: Path) -> float:
    """Its validation loss after training at a rate; not a number where it failed."""
    torch.set_num_threads(1)
    name = f"{case.dataset}-{case.budget}-{case.seed}-{rate:g}"
    table = run_search(case.config(runs / name, rate)).table
    return float(table["val_loss"].iloc[0]) if table["state"].iloc[0] == "complete" else np.nan


def usual_rate(case: Case, runs: Path) -> float:
    """The rate at which a search begins with it."""
    (preset,) = plan_search(case.config(runs / "none", None)).queue.presets
    return float(preset.parameters["learning_rate"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/first-rate"))
    runs = parser.parse_args().runs
    lines = [
        *heading("The plain network by its learning rate", __file__),
        "Validation loss of the preset `reference` alone, fp32; a dash where training failed.",
        "",
        f"| data | parameters | seed | {' | '.join(f'{rate:g}' for rate in RATES)} "
        "| a search begins at |",
        "|---" * (4 + len(RATES)) + "|",
    ]
    with ProcessPoolExecutor(2) as pool:
        found = {case: [pool.submit(loss_of, case, rate, runs) for rate in RATES] for case in CASES}
        for case, futures in found.items():
            losses = [future.result() for future in futures]
            shown = " | ".join("–" if np.isnan(loss) else f"{loss:.5f}" for loss in losses)
            row = f"| {case.dataset} | {case.budget:,} | {case.seed} | {shown} "
            lines.append(f"{row}| {usual_rate(case, runs):.2g} |")
            print(lines[-1], flush=True)
    RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

"""Two facts with a known direction, on real data: what a measure does to the best share.

    python benchmarks/directions.py [--runs runs/directions] [--seeds 6]

1. Searches of digits with `total_params` and with `decoder_macs` as second objective: the second is
   known to move the front toward the encoder. Six seeds of each, paired.
2. A sweep of digits: the share that is best for a linear probe of the latent is known to be more
   encoder-heavy than the one that is best for the squared error.

Writes benchmarks/directions.md with hardware and versions. Some 30 minutes on two cores; what was
ended continues where it stood.
"""

import argparse
from pathlib import Path

import numpy as np
from heading import heading
from scipy.stats import bootstrap, wilcoxon

from asymnas import Run, StudyConfig, SweepConfig, run_search, run_sweep

RESULTS = Path(__file__).with_suffix(".md")
SECOND = ("total_params", "decoder_macs")
BUDGETS = (5_000, 20_000)


def front_share(second: str, seed: int, runs: Path) -> float:
    """Mean decoder share, of parameters, over the front of one search."""
    name = f"{second}-{seed}"
    config = StudyConfig(
        dataset="digits",
        name=name,
        objectives=("val_loss", second),
        examples=20_000,
        seed=seed,
        device="cpu",
        run_dir=str(runs / name),
    )
    return float(run_search(config).front["decoder_share"].mean())


def about_fronts(seeds: int, runs: Path) -> list[str]:
    shares = np.array([[front_share(second, s, runs) for second in SECOND] for s in range(seeds)])
    moved = shares[:, 1] - shares[:, 0]
    spread = bootstrap((moved,), np.mean, rng=np.random.default_rng(0), method="BCa")
    low, high = spread.confidence_interval
    return [
        "## Decoder MACs as second objective",
        "",
        f"Digits, 60 trials of 20,000 examples, {seeds} seeds, 20,000 parameters; mean decoder "
        "share over each front.",
        "",
        "| seed | val_loss, total_params | val_loss, decoder_macs | moved |",
        "|---|---|---|---|",
        *(f"| {s} | {a:.3f} | {b:.3f} | {b - a:+.3f} |" for s, (a, b) in enumerate(shares)),
        f"| mean | {shares[:, 0].mean():.3f} | {shares[:, 1].mean():.3f} | {moved.mean():+.3f} |",
        "",
        f"The front moves by {moved.mean():+.3f} ({low:+.3f} to {high:+.3f}, 95 %, bootstrap over "
        f"seeds; Wilcoxon p = {wilcoxon(moved).pvalue:.3f}).",
        "",
    ]


def about_measures(runs: Path) -> list[str]:
    base = StudyConfig(
        dataset="digits", name="digits-sweep", device="cpu", run_dir=str(runs / "sweep")
    )
    run: Run = run_sweep(SweepConfig(study=base, budgets=BUDGETS))
    summary = run.summary
    rows = [
        f"| {entry['measure']} | {entry['budget']:,} | {entry['estimate']:.2f} | "
        f"{entry['low']:.2f} to {entry['high']:.2f} |"
        for entry in summary["measures"]
        if entry["low"] is not None
    ]
    loss = [
        f"| val_loss | {entry['budget']:,} | {entry['estimate']:.2f} | "
        f"{entry['low']:.2f} to {entry['high']:.2f} |"
        for entry in summary["decoder_share"]
    ]
    return [
        "## The best share by what is measured",
        "",
        f"A sweep of digits, {summary['trials']['complete']} runs; see docs/inference.md.",
        "",
        "| measure | budget | best decoder share | 95 % |",
        "|---|---|---|---|",
        *loss,
        *rows,
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/directions"))
    parser.add_argument("--seeds", type=int, default=6)
    args = parser.parse_args()
    found = [*about_fronts(args.seeds, args.runs), *about_measures(args.runs)]
    head = [
        *heading("What a measure does to the best share", __file__),
    ]
    RESULTS.write_text("\n".join([*head, *found]))
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()

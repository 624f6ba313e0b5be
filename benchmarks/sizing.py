"""Sizing candidates to a budget: parameters by a formula of the widths against modules built.

    python benchmarks/sizing.py [--draws 40]

Draws the same candidates both ways, case after case, in turns, with nothing remembered from the
other way, and compares them. CPU time of one thread.

Writes the table to `sizing.md`.
"""

import argparse
import time
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from draws import Case, cases, space_of
from heading import heading

from asymnas.networks import architecture
from asymnas.space import fit
from asymnas.space.filling import sample_filled

RESULTS = Path(__file__).with_suffix(".md")


def drawn(case: Case, draws: int, *, formula: bool) -> tuple[list[str], float]:
    """The candidates, and milliseconds per candidate, its MACs included."""
    for cached in (fit._side_counts, fit._formula, architecture._sizes):
        cached.cache_clear()
    with mock.patch.object(fit, "derive", fit.derive if formula else lambda *_: None):
        before = time.process_time()
        made = [sample_filled(space_of(case), seed).architecture for seed in range(draws)]
        assert all(architecture.counts.total_params <= case.budget for architecture in made)
        seconds = time.process_time() - before
    return [architecture.key() for architecture in made], 1000 * seconds / draws


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=40)
    args = parser.parse_args()
    torch.set_num_threads(1)
    lines = [*heading("Sizing candidates", __file__), __doc__.split("\n\n")[2].replace("\n", " ")]
    lines += ["", "| encoder | decoder | space | built | formula | times as fast |"]
    lines += ["|---|---|---|---|---|---|"]
    ratios = []
    for case in cases():
        if case.fewer:
            continue
        space_of(case)
        built, formula = (drawn(case, args.draws, formula=way) for way in (False, True))
        if built[0] != formula[0]:
            raise SystemExit(f"{case.name}: not the same candidates")
        ratios.append(built[1] / formula[1])
        names = f"{case.encoder} | {case.decoder} | {'wide' if case.wide else 'usual'}"
        lines.append(f"| {names} | {built[1]:.0f} ms | {formula[1]:.0f} ms | {ratios[-1]:.1f} |")
    low, middle, high = np.quantile(ratios, (0, 0.5, 1))
    lines += ["", f"Median {middle:.1f} times as fast, from {low:.1f} to {high:.1f}."]
    RESULTS.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()

"""Random draws of every pair of families: whether they fit, fill the budget and favour a side.

    python benchmarks/draws.py [--draws 10000] [--workers 2] [--kept runs/draws.csv]

Candidates as a search without presets draws them before its sampler has learnt anything: those of
one objective, which fill the budget, and a tenth as many of several, whose sizes are drawn. The
first draws of each pair are built with memory and counted again. Draws are kept in chunks, pair by
pair, so that a run that was stopped goes on where it was. Writes the tables to `draws.md`.
"""

import argparse
import csv
import itertools
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from heading import heading

from asymnas.core.budget import Budget
from asymnas.networks.families import FAMILIES, Problem
from asymnas.space.filling import FULL, sample_filled
from asymnas.space.space import Space

RESULTS = Path(__file__).with_suffix(".md")
CHUNK = 25  # draws between two writes
BUILT = 200  # draws of each pair that are built with memory
RATES = (1e-3, 1e-1)
IMAGES = Problem(shape=(1, 8, 8), latent=16)
SIGNALS = Problem(shape=(2, 128), latent=16)
BUDGET = 20_000
OTHER_BUDGETS = (5_000, 1_250)  # of the family that the data are searched with by default
FEWER = 10  # times as few draws of those


@dataclass(frozen=True)
class Case:
    """Families of both sides, a problem, a budget, the space, and whether sizes are drawn."""

    encoder: str
    decoder: str
    problem: Problem
    budget: int
    wide: bool = False
    sizes: bool = False

    @property
    def name(self) -> str:
        """Its name in the file of draws."""
        shape = "x".join(map(str, self.problem.shape))
        law = f"{'wide' if self.wide else 'usual'} {'sizes' if self.sizes else 'filled'}"
        return f"{self.encoder}/{self.decoder} {shape} {self.budget} {law}"

    @property
    def title(self) -> str:
        """The heading of the table that it belongs to."""
        shape = "×".join(map(str, self.problem.shape))
        space = "wide" if self.wide else "usual"
        law = "several objectives: sizes are drawn" if self.sizes else "one objective"
        return (
            f"{shape}, latent {self.problem.latent}, {self.budget:,} parameters, {space} space, "
            f"{law}"
        )

    @property
    def fewer(self) -> bool:
        """Whether a tenth of the draws is enough."""
        return self.sizes or self.budget != BUDGET


def cases() -> list[Case]:
    """Every pair of families that serve images, those of signals with `conv1d`, other budgets."""
    pairs = []
    for problem in (IMAGES, SIGNALS):
        names = [n for n in FAMILIES.names() if FAMILIES.get(n).unsupported_reason(problem) is None]
        pairs += [Case(*both, problem, BUDGET) for both in itertools.product(names, names)]
    own = [c for c in pairs if c.problem == IMAGES or "conv1d" in (c.encoder, c.decoder)]
    others = [Case("conv2d", "conv2d", IMAGES, budget) for budget in OTHER_BUDGETS]
    usual = own + others
    wide = [replace(c, wide=True) for c in usual if {c.encoder, c.decoder} & {"conv1d", "conv2d"}]
    return usual + wide + [replace(case, sizes=True) for case in own]


@lru_cache
def space_of(case: Case) -> Space:
    """The space of a case."""
    return Space(
        encoder_family=case.encoder,
        decoder_family=case.decoder,
        problem=case.problem,
        kind="plain",
        budget=Budget(total_params=case.budget),
        learning_rates=RATES,
        wide=case.wide,
    )


def draw(case: Case, first: int) -> list[tuple[int, int, int, str]]:
    """Seed, parameters of both sides, and whether a build has as many, if it was built."""
    torch.set_num_threads(1)
    space = space_of(case)
    rows = []
    for seed in range(first, first + CHUNK):
        candidate = space.sample(seed) if case.sizes else sample_filled(space, seed)
        made = candidate.architecture
        sides = zip(space.parts, (made.encoder, made.decoder), strict=True)
        counts = [part.counts(side, 1.0).total_params for part, side in sides]
        built = ""
        if seed < BUILT:
            model = made.build()
            real = [sum(p.numel() for p in m.parameters()) for m in (model.encoder, model.decoder)]
            built = str(real == counts)
        rows.append((seed, *counts, built))
    return rows


def chunks(draws: int, kept: dict[str, int]) -> Iterator[tuple[Case, int]]:
    """What is left to draw, all cases in turn."""
    for first in range(0, draws, CHUNK):
        for case in cases():
            wanted = draws // FEWER if case.fewer else draws
            if kept.get(case.name, 0) <= first < wanted:
                yield case, first


def read(path: Path) -> dict[str, list[tuple[int, int, str]]]:
    """Parameters of encoder and decoder of each draw of each case, in order of the seeds."""
    drawn: dict[str, dict[int, tuple[int, int, str]]] = {}
    if path.is_file():
        with path.open(newline="") as file:
            for name, seed, encoder, decoder, built in csv.reader(file):
                drawn.setdefault(name, {})[int(seed)] = (int(encoder), int(decoder), built)
    return {name: [rows[seed] for seed in sorted(rows)] for name, rows in drawn.items()}


def row(case: Case, drawn: list[tuple[int, int, str]]) -> str:
    """A row of the table."""
    encoder, decoder = (np.array([draw[i] for draw in drawn]) for i in (0, 1))
    total, share = encoder + decoder, decoder / (encoder + decoder)
    fill = total / case.budget
    low, high = np.quantile(share, [0.05, 0.95])
    error = share.std(ddof=1) / np.sqrt(len(share))
    built = [draw[2] for draw in drawn if draw[2]]
    return (
        f"| {case.encoder} | {case.decoder} | {len(drawn):,} | {(total > case.budget).sum()} | "
        f"{share.mean():.3f} ± {error:.3f} | {low:.3f} to {high:.3f} | {fill.mean():.2%} | "
        f"{(fill < FULL).mean():.2%} | {built.count('True')} of {len(built)} |"
    )


def page(drawn: dict[str, list[tuple[int, int, str]]]) -> list[str]:
    """The tables."""
    head = [
        "| encoder | decoder | draws | over the budget | mean decoder share | 5 % to 95 % | "
        "mean fill | below 97 % | counted as built |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines = heading("Random draws of every pair of families", __file__)
    lines += [
        "Drawn at random. Fill is the part of the budget that is used. "
        f"The first {BUILT} draws of each pair were built with memory and counted. "
        "After a mean share stands its standard error.",
    ]
    groups: dict[str, list[Case]] = {}
    for case in cases():
        if case.name in drawn:
            groups.setdefault(case.title, []).append(case)
    for title, own in groups.items():
        lines += ["", f"## {title}", "", *head, *(row(case, drawn[case.name]) for case in own)]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--kept", type=Path, default=Path("runs/draws.csv"))
    args = parser.parse_args()
    args.kept.parent.mkdir(parents=True, exist_ok=True)
    kept = {name: len(draws) for name, draws in read(args.kept).items()}
    with ProcessPoolExecutor(args.workers) as pool, args.kept.open("a", newline="") as file:
        left = iter(list(chunks(args.draws, kept)))
        # A few chunks at a time, so that a run that is stopped has drawn all pairs alike.
        while group := list(itertools.islice(left, args.workers)):
            waiting = {pool.submit(draw, *chunk): chunk[0] for chunk in group}
            for done in as_completed(waiting):
                csv.writer(file).writerows((waiting[done].name, *r) for r in done.result())
            file.flush()
    lines = page(read(args.kept))
    RESULTS.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()

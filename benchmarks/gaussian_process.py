"""A Gaussian process against TPE, in real searches.

    python benchmarks/gaussian_process.py [--searches digits,fashion-mnist] [--seeds 0,1,2,3]

The searches of `first_rung.py` as they are by default, and again with `--sampler gp`. Two of one
seed, which differ in nothing but the sampler, are a pair. Compared are the training examples, the
lowest validation loss and the volume that the front of loss and size covers, in logarithms from the
loss of predicting the mean and the budget: in the end, and after as many examples as the one of the
pair that takes fewer.

A search by the Gaussian process that is over is a line of benchmarks/gaussian_process.jsonl; those
by TPE are lines of benchmarks/first_rung.jsonl. benchmarks/gaussian_process.md is written from all
lines.
"""

from dataclasses import replace
from pathlib import Path

import first_rung
from first_rung import SEARCHES, Searched, asked_for, change, config_of, found, run
from heading import heading
from samplers import examples_to_volume, yardsticks

RESULTS = Path(__file__).with_suffix(".md")
LINES = Path(__file__).with_suffix(".jsonl")
FIRST = "an eighteenth"
FILES = {"tpe": first_rung.LINES, "gp": LINES}
COLUMNS = {
    "examples": lambda one, other: one.examples,
    "lowest loss": lambda one, other: one.best,
    "volume": lambda one, other: one.volume(),
    "volume at as many examples": lambda one, other: one.volume(min(one.examples, other.examples)),
}


def searches(sampler: str) -> dict[str, dict[int, Searched]]:
    """Those that are over, by search and seed."""
    by: dict[str, dict[int, Searched]] = {search: {} for search in SEARCHES}
    for each in found(FILES[sampler]):
        if each.first == FIRST:
            by[each.search][each.seed] = each
    return by


def page() -> str:
    """What the searches came to."""
    lines = [
        *heading("The Gaussian process", __file__),
        "`--sampler gp` against `tpe`: change in the median over seeds, range, Wilcoxon's p from "
        "six seeds on.",
        "",
        f"| search | trials | seeds | {' | '.join(COLUMNS)} |",
        "|---|---|---|---|---|---|---|",
    ]
    by_tpe, by_gp = searches("tpe"), searches("gp")
    for search, given in SEARCHES.items():
        both = sorted(by_tpe[search].keys() & by_gp[search].keys())
        if not both:
            continue
        pairs = [(by_gp[search][seed], by_tpe[search][seed]) for seed in both]
        cells = [search, str(given["trials"]), str(len(pairs))]
        cells += [change([(of(*p), of(*p[::-1])) for p in pairs]) for of in COLUMNS.values()]
        lines.append(f"| {' | '.join(cells)} |")
    if by_gp["digits"]:
        lines += ["", "Digits, to the final volume of an unpruned search of loss and size by TPE:"]
        lines += ["", examples_to_volume("gp", yardsticks(), by_gp["digits"])]
        lines += [examples_to_volume("tpe", yardsticks(), by_tpe["digits"])]
    lines += ["", "| search | sampler | seed | examples | lowest loss | volume |"]
    lines += ["|---|---|---|---|---|---|"]
    lines += [
        f"| {search} | {sampler} | {seed} | {each.examples:,} | {each.best:.5f} "
        f"| {each.volume():.3f} |"
        for search in SEARCHES
        if by_gp[search]
        for sampler, by in (("gp", by_gp), ("tpe", by_tpe))
        for seed, each in sorted(by[search].items())
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """The command."""
    for search, seed in asked_for(__doc__):
        for sampler, file in FILES.items():
            if seed not in searches(sampler)[search]:
                directory = Path("runs", "gaussian-process", f"{search}, {sampler}, {seed}")
                config = replace(config_of(search, seed, sampler), run_dir=str(directory))
                run(search, FIRST, config, file)
    RESULTS.write_text(page(), "utf-8")
    print(RESULTS.read_text("utf-8"))


if __name__ == "__main__":
    main()

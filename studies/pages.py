"""Pages of single studies: what was asked, how, and what came of it, from its committed results.

`python studies/answer.py` writes them, `results/NAME/README.md`.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import arms
import masked_decoder
import pandas as pd
from arms import costs
from reference_network import NETWORKS
from rows import DATA, PRIMARY, RESULTS, Row, interval
from run import progress_of
from sweeps import PATCHES, TABLE_FILES

from asymnas.core import columns as t
from asymnas.core.tables import Rows
from asymnas.core.text import (
    MISSING,
    change,
    duration,
    hundredths,
    plural,
    probability,
    short,
    span,
    with_span,
)

REPOSITORY = "../" * 3
WRITTEN = "*Written by `python studies/answer.py` from the files beside it.*"
#: Phases of a study, in their order, and what they are for.
PHASES = {
    t.SCREENING: "choosing structures",
    t.TUNING: "tuning learning rates",
    t.MEASURE: "measuring",
    t.HORIZON: "other lengths of training",
}
#: The commands of sweeps that were run in one go, whose states are not kept.
COMMANDS = {
    "digits/sweep": "python -m asymnas.sweep --family conv2d --budgets 20k --horizons 0 "
    "--device cpu --precision fp32",
    "deep_generator": "python -m asymnas.sweep studies/deep_generator.py",
    "linear_generator": "python -m asymnas.sweep studies/linear_generator.py --budgets 20k",
    "linear_generator_60k": "python -m asymnas.sweep studies/linear_generator.py --budgets 60k",
}
#: What writes the data that a study reads from a file.
PREPARED = {
    **dict.fromkeys(TABLE_FILES.values(), "python studies/tables.py"),
    PATCHES: "python studies/wallpapers.py 16",
    NETWORKS["reference_network"].dataset: "python studies/wallpapers.py",
    f"npz:{masked_decoder.IMAGES}": "python studies/masked_decoder.py",
}


def study_pages(made: Sequence[Row], results: Path = RESULTS) -> dict[Path, str]:
    """The page of each study that is done, by its file.

    Args:
        made: The rows of all sweeps.
        results: The folder of all studies' results.
    """
    by_place = groupby(sorted(made, key=lambda row: row.place), key=lambda row: row.place)
    pages = {place: sweep_page(results, list(rows)) for place, rows in by_place}
    for name in (*NETWORKS, masked_decoder.NAME):
        if progress_of(name, results)["done"]:
            pages[name] = arms_page(results, name)
    return {results / place / "README.md": text for place, text in pages.items()}


def sweep_page(results: Path, made: Sequence[Row]) -> str:
    """The page of a sweep.

    Args:
        results: The folder of all studies' results.
        made: Its rows, one per budget.
    """
    place = made[0].place
    up = REPOSITORY + "../" * place.count("/")
    summary = json.loads((results / place / "summary.json").read_text("utf-8"))
    _, shape, count = DATA[made[0].dataset]
    budgets = " and ".join(f"{row.entry['budget']:,}" for row in made)
    return (
        "\n\n".join(
            (
                f"# {'; '.join(row.label for row in made)}",
                WRITTEN,
                "## Question",
                f"Of {budgets} parameters, which share should the decoder get? The estimand was "
                "fixed before the first run: the ratio of the validation loss with a third, and "
                "with two thirds, of the parameters in the decoder to the loss with half, at one "
                "total. How it is measured: "
                f"[what was measured]({up}docs/answer.md#what-was-measured), "
                f"[inference]({up}docs/inference.md).",
                "## Result",
                *(_without_dashes(sentence) for sentence in summary["verdict"]),
                *(_shares(row) for row in made),
                *filter(None, (_horizons(row) for row in made)),
                "## Set-up",
                f"Networks: {made[0].networks}, {made[0].latent} latent numbers. Data: "
                f"`{made[0].dataset}`, {shape}, {count:,} training examples.",
                _phases(results / place),
                "## Limits",
                _limits(summary),
                "## Again",
                _again(results, place, up),
            )
        )
        + "\n"
    )


def arms_page(results: Path, name: str) -> str:
    """The page of networks made by hand.

    Args:
        results: The folder of all studies' results.
        name: The study's.
    """
    masked = name == masked_decoder.NAME
    script = "masked_decoder.py" if masked else "reference_network.py"
    summary = json.loads((results / name / "summary.json").read_text("utf-8"))
    measured = arms.arms_of(results / name)
    seeds = len(next(iter(measured.values())).losses)
    own = [text for key, text in arms.tables(results).items() if key.partition(":")[0] == name]
    return (
        "\n\n".join(
            (
                f"# {name}",
                WRITTEN,
                "## Question",
                _question(name),
                "## Result",
                *own,
                f"Means over {plural(seeds, 'seed')}; intervals are Student's t of 95 %, paired by "
                f"seed. What they say is in [the answer]({REPOSITORY}docs/answer.md).",
                "## Set-up",
                f"Data: `{summary['dataset']}`. The networks, their widths and the contrasts are "
                f"in [{script}](../../{script}). Learning rates that are not given there are tuned "
                "on one seed, and each network is scored once on the test examples.",
                _phases(results / name),
                "## Limits",
                "The intervals hold for these networks and data, not for a family. The rates are "
                "tuned on one seed, which adds an error that the intervals do not contain.",
                "## Again",
                _again(results, name, REPOSITORY),
            )
        )
        + "\n"
    )


def _shares(row: Row) -> str:
    """All shares of a row, and mirrored decoders, against half; then the best share."""
    entry = row.entry
    lines = [
        (
            share,
            costs(row.contrast(share)),
            probability(contrast["p_holm"]) if share in PRIMARY else "",
            str(row.structures(share)),
        )
        for share, contrast in entry["contrasts"].items()
    ]
    mirroring = interval(entry["cost_of_mirroring"])
    lines.append(("1/2, decoders mirrored", with_span(mirroring, change), "", MISSING))
    columns = [f"{short(entry['budget'])} parameters, share of the decoder"]
    columns += ["loss against an even split", "p, Holm", "structures"]
    best = with_span(interval(entry), hundredths)
    within = span(interval(entry["within"]), hundredths)
    even = with_span(interval(entry["cost_of_even_split"]), change)
    macs = with_span(interval(row.equal_macs), hundredths)
    return (
        f"{Rows(columns=tuple(columns), rows=tuple(lines)).to_markdown()}\n\n"
        f"Best share {best}; within 1 % of its loss by the fit: {within}. An even split costs "
        f"{even} against it. At equal MACs the best share is {macs}. Lowest validation loss "
        f"of these networks: {row.lowest:.3g}."
    )


def _horizons(row: Row) -> str:
    """The same structures at other lengths of training, where some were trained so."""
    lines = []
    for entry in row.entry.get("horizons", ()):
        contrasts = entry["contrasts"]
        found = (costs(interval(contrasts.get(share))) for share in PRIMARY)
        examples = short(entry["horizon"] * row.examples)
        lines.append((examples, *found, str(entry["structures"])))
    if not lines:
        return ""
    columns = ("training examples", *(f"{share} in the decoder" for share in PRIMARY), "structures")
    return (
        "Some of the structures at other lengths of training; two or three structures give no "
        f"interval:\n\n{Rows(columns=columns, rows=tuple(lines)).to_markdown()}"
    )


def _phases(results: Path) -> str:
    """How many runs each phase has, and how long they are."""
    runs = pd.read_csv(results / "trials.csv")
    lines = []
    for phase, purpose in PHASES.items():
        own = runs[runs[t.PHASE] == phase]
        if len(own):
            failed = int((own[t.STATE] == "failed").sum())
            examples = own[t.EXAMPLES]
            least, most = (short(examples[own[t.STATE] == "complete"].quantile(q)) for q in (0, 1))
            each = least if least == most else f"{least} to {most}"
            lines.append((purpose, str(len(own)), str(failed), each))
    columns = ("phase", "runs", "failed", "training examples of each")
    return Rows(columns=columns, rows=tuple(lines)).to_markdown()


def _limits(summary: Mapping[str, Any]) -> str:
    """What holds of every sweep, and what the analysis found of this one."""
    lines = (
        "One data set, one family, one latent size and one length of training; the intervals are "
        "over structures of this family.",
        "Shares are compared on validation examples, by which structures and learning rates were "
        "chosen too, with other seeds.",
        *map(_without_dashes, summary["cautions"]),
    )
    return "\n".join(f"- {line}" for line in lines)


def _again(results: Path, place: str, up: str) -> str:
    """The command, what it took, and the report."""
    summary = json.loads((results / place / "summary.json").read_text("utf-8"))
    took = duration(3600 * progress_of(place, results)["hours"])
    if place in COMMANDS:
        command, report = COMMANDS[place], "The command writes the HTML report as well."
    else:
        command = f"python studies/run.py {place} --minutes 60"
        report = (
            f"`python studies/run.py {place}` writes the HTML report, without training, to "
            f"`runs/studies/{place}/report.html`."
        )
    before = PREPARED.get(summary["dataset"])
    commands = "\n".join(f"    {line}" for line in (before, command) if line)
    return (
        f"{commands}\n\nIt took {took}; where, and what was noted at the time, is in the "
        f"[log]({up}studies/LOG.md). {report}"
    )


def _question(name: str) -> str:
    if name == masked_decoder.NAME:
        return "Does a deeper decoder spoil what a masked autoencoder's encoder learns?"
    if NETWORKS[name].found:
        return (
            "Is the best network that a search finds better than the network that the question "
            "was asked about, at the same total of parameters?"
        )
    return (
        "A network is given half as many parameters again: should they go to its encoder, to its "
        "decoder or to both, as wider layers or as extra ones? And at its own total, does it "
        "matter how they are split?"
    )


def _without_dashes(sentence: str) -> str:
    """A sentence of a summary with `0.51 to 0.77` as the rest of the page has it."""
    return sentence.replace("–", " to ")

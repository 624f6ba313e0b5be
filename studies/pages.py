"""Pages of single studies: what was asked, how, and what came of it, from its committed results.

`python studies/answer.py` writes them, `results/NAME/README.md`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import arms
import masked_decoder
import pandas as pd
from arms import costs
from reference_network import NETWORKS
from rows import DATA, MIRRORED, PRIMARY, RESULTS, Row, interval
from run import progress_of
from sweeps import AGAIN, LONG, PATCHES, TABLE_FILES

from asymnas.core import columns as t
from asymnas.core.tables import Rows
from asymnas.core.text import (
    change,
    duration,
    hundredths,
    plural,
    probability,
    short,
    span,
    with_span,
)

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
PIXELS = "the mean squared error per pixel, which runs from 0 to 1"
COLUMNS = "the mean squared error per column, in units of its variance"
POINTS = "the mean squared error per number"
#: What the loss of data is, for kinds that reconstruct.
LOSSES = {
    "digits": PIXELS,
    "fashion-mnist": PIXELS,
    PATCHES: PIXELS,
    **dict.fromkeys(TABLE_FILES.values(), COLUMNS),
}
#: What the loss of a kind is, where it is not the error of reconstruction.
KIND_LOSSES = {"variational": "the negative evidence lower bound in nats per example"}


@dataclass(frozen=True)
class About:
    """What a study of networks made by hand is about.

    Args:
        title: Of its page.
        question: That it asks.
        section: Of docs/answer.md, which says what it found.
    """

    title: str
    question: str
    section: str


TWICE = "twice-the-parameters-in-the-decoder-or-extra-layers"
WHERE_AND_HOW = (
    "A network is given half as many parameters again: should they go to its encoder, to its "
    "decoder or to both, as wider layers or as extra ones? And at its own total, does it matter "
    "how they are split?"
)
SEARCHED = (
    "Is the best network that a search finds better than the network that the question was asked "
    "about, at the same total of parameters?"
)
ABOUT = {
    "reference_network_small": About(
        "The question's network at a quarter of its widths, on Fashion-MNIST", WHERE_AND_HOW, TWICE
    ),
    "reference_network_spatial": About(
        "The same kernels around a spatial latent, without dense layers", WHERE_AND_HOW, TWICE
    ),
    "reference_network": About("The question's network, on photographs", WHERE_AND_HOW, TWICE),
    "reference_network_small_found": About(
        "The small network beside what a search finds", SEARCHED, TWICE
    ),
    "reference_network_found": About(
        "The question's network beside what a search finds", SEARCHED, TWICE
    ),
    masked_decoder.NAME: About(
        "The decoder of a masked autoencoder, by depth and by size",
        "Does a deeper decoder spoil what the encoder of a masked autoencoder learns? A linear "
        "probe of the latent tells circles from squares, so chance is 50 %; a "
        "[toy model](https://kindxiaoming.github.io/blog/2026/mae) found that it falls from 99 "
        "to 83 % with one to four decoder blocks.",
        "a-masked-autoencoder-whose-decoder-is-thrown-away",
    ),
}


def study_pages(made: Sequence[Row], results: Path = RESULTS) -> dict[Path, str]:
    """The page of each study that is done, by its file.

    Args:
        made: The rows of all sweeps.
        results: The folder of all studies' results.
    """
    by_place = groupby(sorted(made, key=lambda row: row.place), key=lambda row: row.place)
    sweeps = {place: list(rows) for place, rows in by_place}
    pages = {place: sweep_page(results, place, sweeps) for place in sweeps}
    tables = arms.tables(results)
    for name in ABOUT:
        if progress_of(name, results).done:
            own = [text for key, text in tables.items() if key.partition(":")[0] == name]
            pages[name] = arms_page(results, name, own)
    return {results / place / "README.md": text for place, text in pages.items()}


def sweep_page(results: Path, place: str, sweeps: Mapping[str, Sequence[Row]]) -> str:
    """The page of a sweep.

    Args:
        results: The folder of all studies' results.
        place: The sweep's, below it.
        sweeps: The rows of all sweeps, one per budget, by their places.
    """
    own = sweeps[place]
    summary = _summary(results, place)
    data, shape, count = DATA[own[0].dataset]
    loss = KIND_LOSSES.get(summary["kind"], LOSSES.get(own[0].dataset, POINTS))
    horizons = [text for text in map(_horizons, own) if text]
    lengths = "these lengths" if horizons else "one length"
    budgets = " and ".join(f"{row.entry['budget']:,}" for row in own)
    top = _top(place)
    return _page(
        f"# {'; '.join(row.label for row in own)}",
        WRITTEN,
        _siblings(place, sweeps),
        "## Question",
        f"Of {budgets} parameters, which share should the decoder get? The estimand was fixed "
        "before the first run: the ratio of the validation loss with a third, and with two thirds, "
        "of the parameters in the decoder to the loss with half, at one total. The loss is "
        f"{loss}. How the ratio is measured: "
        f"[what was measured]({top}docs/answer.md#what-was-measured), "
        f"[inference]({top}docs/inference.md).",
        "## Result",
        *map(_shares, own),
        *horizons,
        "The analysis remarks:" if summary["cautions"] else "",
        "\n".join(f"- {caution}" for caution in summary["cautions"]),
        "## Set-up",
        f"Networks: {own[0].networks}, {own[0].latent} latent numbers. Data: {data}, {shape}, "
        f"{count:,} training examples ([data]({top}docs/data.md)).",
        _phases(results / place),
        "## Limits",
        f"One data set, one family, one latent size and {lengths} of training; the intervals are "
        "over structures of this family. Shares are compared on validation examples, by which "
        "structures and learning rates were chosen too, with other seeds.",
        *_again(place, summary),
    )


def arms_page(results: Path, name: str, tables: Sequence[str]) -> str:
    """The page of networks made by hand.

    Args:
        results: The folder of all studies' results.
        name: The study's.
        tables: What came of it.
    """
    script = "masked_decoder.py" if name == masked_decoder.NAME else "reference_network.py"
    summary, about, top = _summary(results, name), ABOUT[name], _top(name)
    seeds = len(next(iter(arms.arms_of(results / name).values())).losses)
    return _page(
        f"# {about.title}",
        WRITTEN,
        "## Question",
        about.question,
        "## Result",
        *tables,
        f"Means over {plural(seeds, 'seed')}; intervals are Student's t of 95 %, paired by seed. "
        f"[What they say]({top}docs/answer.md#{about.section}).",
        "## Set-up",
        f"Data: `{summary['dataset']}`. The networks, their widths and the contrasts are in "
        f"[{script}](../../{script}). Learning rates that are not given there are tuned on one "
        "seed, and each network is scored once on the test examples.",
        _phases(results / name),
        "## Limits",
        "The intervals hold for these networks and data, not for a family. Where rates are tuned "
        "on one seed, that adds an error which the intervals do not contain.",
        *_again(name, summary),
    )


def _page(*parts: str) -> str:
    return "\n\n".join(filter(None, parts)) + "\n"


def _top(place: str) -> str:
    """The way from a study's page to the repository's root."""
    return "../" * (3 + place.count("/"))


def _summary(results: Path, place: str) -> Mapping[str, Any]:
    summary: Mapping[str, Any] = json.loads((results / place / "summary.json").read_text("utf-8"))
    return summary


def _siblings(place: str, sweeps: Mapping[str, Sequence[Row]]) -> str:
    """The same sweep trained longer, or with other structures and splits."""

    def base(name: str) -> str:
        return name.replace(AGAIN, "").replace(LONG, "")

    def what(name: str) -> str:
        words = ["four times the training"] if name.endswith(LONG) else ["the usual training"]
        words += ["other structures and splits"] if AGAIN in name else []
        return ", ".join(words)

    links = [
        f"[{name}](../{name}/README.md) ({what(name)})"
        for name in sorted(sweeps)
        if name != place and base(name) == base(place)
    ]
    return f"This sweep: {what(place)}. Beside it: {', '.join(links)}." if links else ""


def _shares(row: Row) -> str:
    """All shares of a row, and mirrored decoders, against half; then the best share."""
    entry = row.entry
    size = short(entry["budget"])
    lines = [
        (
            share,
            costs(row.contrast(share)),
            probability(contrast["p_holm"]) if share in PRIMARY else "",
            str(row.structures(share)),
        )
        for share, contrast in entry["contrasts"].items()
    ]
    mirrored = costs(row.contrast(MIRRORED))
    lines.append(("1/2, decoders mirrored", mirrored, "", str(row.structures(MIRRORED))))
    columns = [f"{size} parameters, share of the decoder", "loss against an even split"]
    columns += ["p, Holm", "structures"]
    why = f" ({', '.join(entry['why'])})" if entry["why"] else ""
    best = with_span(interval(entry), hundredths)
    within = span(interval(entry["within"]), hundredths)
    even = with_span(interval(entry["cost_of_even_split"]), change)
    macs = with_span(interval(row.equal_macs), hundredths)
    return (
        f"With {size} parameters: **{entry['verdict']}**{why}.\n\n"
        f"{Rows(columns=tuple(columns), rows=tuple(lines)).to_markdown()}\n\n"
        f"Best share {best}; within 1 % of its loss by the fit: {within}. An even split costs "
        f"{even} against it. At equal MACs the best share is {macs}. Lowest validation loss of "
        f"these networks: {row.lowest:.3g}."
    )


def _horizons(row: Row) -> str:
    """The same structures at other lengths of training, where some were trained so."""
    lines = []
    for entry in row.entry.get("horizons", ()):
        found = (costs(interval(entry["contrasts"].get(share))) for share in PRIMARY)
        examples = short(entry["horizon"] * row.examples)
        lines.append((examples, *found, str(entry["structures"])))
    if not lines:
        return ""
    columns = ("training examples", *(f"{share} in the decoder" for share in PRIMARY), "structures")
    return (
        "Some of the structures at several lengths of training, too few for intervals:\n\n"
        f"{Rows(columns=columns, rows=tuple(lines)).to_markdown()}"
    )


def _phases(results: Path) -> str:
    """How many runs each phase has, and how long they are."""
    runs = pd.read_csv(results / "trials.csv")
    lines = []
    for phase, purpose in PHASES.items():
        own = runs[runs[t.PHASE] == phase]
        complete = own.loc[own[t.STATE] == "complete", t.EXAMPLES]
        if len(complete):
            least, most = short(complete.min()), short(complete.max())
            each = least if least == most else f"{least} to {most}"
            lines.append((purpose, str(len(own)), str(len(own) - len(complete)), each))
    columns = ("phase", "runs", "collapsed or diverged", "training examples of each")
    table = Rows(columns=columns, rows=tuple(lines)).to_markdown()
    return f"{table}\n\nA measuring run that fails is tried once more at half its learning rate."


def _again(place: str, summary: Mapping[str, Any]) -> tuple[str, ...]:
    """The command, what it took, and where the rest is."""
    top = _top(place)
    command = COMMANDS.get(place, f"python studies/run.py {place} --minutes 600 --into runs/again")
    report = (
        ""
        if place in COMMANDS
        else f" `python studies/run.py {place}` writes the HTML report of the committed run, and "
        "trains nothing."
    )
    first = PREPARED.get(summary["dataset"])
    return (
        "## Again",
        "\n".join(f"    {line}" for line in (first, command) if line),
        f"The committed run took {duration(summary['wall_seconds'])}; where, and what was noted at "
        f"the time, is in the [log]({top}studies/LOG.md).{report} All runs: "
        "[trials.csv](trials.csv); all estimates: [summary.json](summary.json); other studies: "
        f"[studies]({top}studies/README.md).",
    )

"""Writes the numbers of docs/answer.md and its figure from committed results.

    python studies/answer.py              the tables, and the figure (needs Chromium)
    python studies/answer.py --tables     the tables alone

A row is a sweep at one budget. Its estimates are read from `results/*/summary.json`, which the
sweep's own analysis wrote; a study that is not done gives no row.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import arms
import pandas as pd
import plotly.graph_objects as go
from arms import costs
from figures import save
from plotly.subplots import make_subplots
from pooling import Pooled, pooled
from scipy.stats import t as student
from sweeps import AGAIN, LONG, PATCHES, TABLE_FILES

from asymnas.analysis.estimates import Interval
from asymnas.core.columns import MEASURE
from asymnas.core.text import MISSING, change, hundredths, probability, short, span, with_span
from asymnas.reporting.verdicts import relative_change

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "studies" / "results"
PAGE = ROOT / "docs" / "answer.md"
FIGURE = ROOT / "docs" / "images" / "answer.png"
#: Data made so that the answer is known: they say how well it is found, and nothing of other data.
KNOWN = ("deep-generator", "linear-generator")
#: By data set its name here, what one example is, and how many it trains on.
DATA = {
    "digits": ("digits", "8 x 8 pixels, grey", 1_295),
    "fashion-mnist": ("fashion-mnist", "28 x 28 pixels, grey", 54_000),
    PATCHES: ("photographs", "16 x 16 pixels, colour", 42_580),
    "signals": ("signals", "2 channels of 128 points", 14_400),
    TABLE_FILES["texture"]: ("texture", "40 numbers", 3_960),
    TABLE_FILES["satimage"]: ("satimage", "36 numbers", 4_634),
    TABLE_FILES["letter"]: ("letter", "16 numbers", 14_400),
    TABLE_FILES["penbased"]: ("penbased", "16 numbers", 7_915),
    TABLE_FILES["segment"]: ("segment", "18 numbers", 1_664),
    TABLE_FILES["spambase"]: ("spambase", "57 numbers", 3_311),
    "deep-generator": ("deep-generator", "64 numbers", 60_000),
    "linear-generator": ("linear-generator", "64 numbers", 60_000),
}
#: Data whose rows the means of images are over.
IMAGES = ("digits", "fashion-mnist", PATCHES)
#: The contrasts that were fixed before the first run: a third and two thirds against a half.
PRIMARY = ("1/3", "2/3")
#: Networks whose decoder mirrors the encoder, against those of an even split.
MIRRORED = "mirrored"
BETTER, WORSE, NEITHER = "#0b6e69", "#b3174f", "#4a5560"
SHOWN = (-35, 50)  # per cent; an interval that reaches beyond ends at the frame
WIDTH, PER_ROW, AROUND = 900, 30, 110  # pixels


@dataclass(frozen=True)
class Row:
    """A sweep at one budget.

    Args:
        place: Folder of the results, below `results`.
        dataset: What was trained on.
        networks: Families and kind, in words.
        plain: Whether the kind is the plain one, whose loss is the error of reconstruction.
        examples: Training examples that each network saw.
        latent: Numbers that stand for an example.
        lowest: Lowest validation loss of the networks that were measured.
        entry: What the summary says of the budget.
        equal_macs: What it says of the same networks at equal MACs.
    """

    place: str
    dataset: str
    networks: str
    plain: bool
    examples: int
    latent: int
    lowest: float
    entry: Mapping[str, Any]
    equal_macs: Mapping[str, Any]

    @property
    def known(self) -> bool:
        """Whether the answer was known beforehand."""
        return self.dataset in KNOWN

    @property
    def longer(self) -> bool:
        """Whether it is another row's sweep at four times the length of training."""
        return self.place.endswith(LONG)

    @property
    def label(self) -> str:
        """Data, networks, size, and four times the training."""
        times = ", 4×" if self.longer else ""
        times += ", again" if AGAIN in self.place else ""
        return f"{DATA[self.dataset][0]}, {self.networks}, {short(self.entry['budget'])}{times}"

    def contrast(self, name: str) -> Interval:
        """Log ratio of the loss at a share, or of mirrored decoders, to that at a half."""
        return interval(self._written(name))

    def error(self, name: str) -> float:
        """Standard error of a contrast, whose interval is Student's t over structures."""
        contrast = self._written(name)
        half = (contrast["high"] - contrast["low"]) / 2
        return float(half / student.ppf(0.975, self.structures(name) - 1))

    def structures(self, name: str) -> int:
        """How many structures a contrast is of."""
        return int(self._written(name).get("structures", self.entry["structures"]))

    def _written(self, name: str) -> Mapping[str, Any]:
        contrasts = {MIRRORED: self.entry["cost_of_mirroring"], **self.entry["contrasts"]}
        written: Mapping[str, Any] = contrasts[name]
        return written


def interval(entry: Mapping[str, Any] | None) -> Interval:
    """An interval as a summary writes it; an empty one for none."""
    entry = entry or {}
    return Interval(estimate=entry.get("estimate"), low=entry.get("low"), high=entry.get("high"))


def rows(results: Path = RESULTS) -> list[Row]:
    """All sweeps that are done, budget by budget; those whose answer was known last."""
    made = []
    for file in sorted(results.rglob("summary.json")):
        summary = json.loads(file.read_text("utf-8"))
        progress = file.with_name("progress.json")
        done = not progress.is_file() or json.loads(progress.read_text("utf-8"))["done"]
        if summary.get("purpose") != "sweep" or "version-0.1" in file.parts or not done:
            continue
        families = sorted({summary["encoder_family"], summary["decoder_family"]})
        kinds = [] if summary["kind"] == "plain" else [summary["kind"]]
        table = pd.read_csv(file.with_name("trials.csv"))
        runs = table[(table["phase"] == MEASURE) & (table["state"] == "complete")]
        made += [
            Row(
                place=str(file.parent.relative_to(results)),
                dataset=summary["dataset"],
                networks=" ".join([*families, *kinds]),
                plain=not kinds,
                examples=int(runs["examples"].median()),
                latent=summary["latent"],
                lowest=float(runs[runs["budget"] == entry["budget"]]["val_loss"].min()),
                entry=entry,
                equal_macs=equal_macs,
            )
            for entry, equal_macs in zip(
                summary["decoder_share"], summary["equal_macs"], strict=True
            )
        ]
    return sorted(
        made,
        key=lambda row: (
            row.known,
            row.dataset not in IMAGES,
            row.dataset == "signals",
            row.longer,
            row.label.split(",")[:2],
            row.entry["budget"],
            AGAIN in row.place,
        ),
    )


Sweeps = Sequence[Row]
"""All sweeps of one row: data, networks, size and length are the same, structures are not."""


def sweeps_of(made: Sequence[Row]) -> list[Sweeps]:
    """The rows, each with its sweeps, the first of them first."""
    by_row: dict[tuple[str, int], list[Row]] = {}
    for row in made:
        by_row.setdefault((row.place.replace(AGAIN, ""), row.entry["budget"]), []).append(row)
    return list(by_row.values())


def combined(sweeps: Sweeps, name: str) -> tuple[Interval, float]:
    """A row's contrast by all its sweeps, and its standard error.

    Weighted by their inverse variances; Student's t with their degrees of freedom together.
    """
    weights = [row.error(name) ** -2 for row in sweeps]
    estimates = [float(row.contrast(name).estimate or 0) for row in sweeps]
    mean = sum(w * e for w, e in zip(weights, estimates, strict=True)) / sum(weights)
    error = float(sum(weights) ** -0.5)
    free = sum(row.structures(name) - 1 for row in sweeps)
    half = float(student.ppf(0.975, free)) * error
    return Interval(estimate=mean, low=mean - half, high=mean + half), error


def groups(made: Sequence[Row]) -> dict[str, list[Sweeps]]:
    """The rows of each mean by its name: images and tables, each also trained longer."""
    images = [row for row in made if row.dataset in IMAGES]
    tables = [row for row in made if row.dataset in TABLE_FILES.values()]
    found = {
        "mean, images": [row for row in images if not row.longer],
        "mean, images, 4×": [row for row in images if row.longer],
        "mean, tables": [row for row in tables if not row.longer],
        "mean, tables, 4×": [row for row in tables if row.longer],
    }
    return {name: sweeps_of(own) for name, own in found.items() if len(own) > 1}


def over_all(measured: Sequence[Sweeps]) -> dict[str, Pooled]:
    """The primary contrasts and mirroring over rows, as random-effects means."""
    return {
        name: pooled(
            [float(combined(sweeps, name)[0].estimate or 0) for sweeps in measured],
            [combined(sweeps, name)[1] for sweeps in measured],
        )
        for name in (*PRIMARY, MIRRORED)
    }


def table(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    every = [columns, ["---"] * len(columns), *lines]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in every)


def contrast_table(made: Sequence[Row]) -> str:
    """What a third and two thirds in the decoder cost against a half, with the verdict."""
    columns = ["data, networks, parameters", *(f"{share} in the decoder" for share in PRIMARY)]
    columns += ["verdict", "structures (runs)", "examples"]
    lines = []
    for row in made:
        contrasts = [
            f"{costs(row.contrast(share))}, {probability(row.entry['contrasts'][share]['p_holm'])}"
            for share in PRIMARY
        ]
        counts = f"{row.entry['structures']} ({row.entry['runs']})"
        link = f"[{row.label}](../studies/results/{row.place})"
        lines.append([link, *contrasts, row.entry["verdict"], counts, short(row.examples)])
    return table(columns, lines)


def twice_table(made: Sequence[Row]) -> str:
    """The same of rows that were measured by two sweeps, both together."""
    columns = ("data, networks, parameters", *(f"{share} in the decoder" for share in PRIMARY))
    lines = []
    for sweeps in sweeps_of(made):
        if len(sweeps) > 1:
            contrasts = [costs(combined(sweeps, share)[0]) for share in PRIMARY]
            count = sum(row.entry["structures"] for row in sweeps)
            lines.append([sweeps[0].label, *contrasts, str(count)])
    return table((*columns, "structures"), lines)


def shares_table(made: Sequence[Row]) -> str:
    """What every share that was trained costs against a half, without intervals."""
    shares = ("0.06", "0.11", "0.20", "1/3", "2/3", "0.80", "0.89")
    lines = []
    for row in made:
        contrasts = row.entry["contrasts"]
        costs_of = [relative_change(interval(contrasts.get(share))).estimate for share in shares]
        lines.append([row.label, *(MISSING if cost is None else change(cost) for cost in costs_of)])
    return table(("in the decoder", *shares), lines)


def summary_table(made: Sequence[Row]) -> str:
    """The mean over rows, and where a further row would lie."""
    lines = []
    for group, measured in groups(made).items():
        pools = over_all(measured)
        lines += [
            [
                f"{group.removeprefix('mean, ')}: "
                f"{name if name == MIRRORED else f'{name} in the decoder'}",
                str(len(measured)),
                costs(pools[name].mean),
                span(relative_change(pools[name].prediction), change),
            ]
            for name in pools
        ]
    return table(("", "rows", "mean", "a further row, 95 % prediction interval"), lines)


def data_table(made: Sequence[Row]) -> str:
    """What was trained on, how long, and how well."""
    columns = ["data, networks, parameters", "one example", "training set", "passes"]
    columns += ["latent", "lowest validation loss", "principal components"]
    components = json.loads((RESULTS / "principal_components.json").read_text("utf-8"))
    lines = []
    for row in made:
        _, shape, count = DATA[row.dataset]
        lowest = f"{row.lowest:.3g}"
        pca = f"{components[row.dataset]['validation']:.3g}" if row.plain else MISSING
        passes = (
            f"{row.examples / count:.0f}"
            if row.examples > 3 * count
            else f"{row.examples / count:.1f}"
        )
        lines.append([row.label, shape, f"{count:,}", passes, str(row.latent), lowest, pca])
    return table(columns, lines)


def cost_table(made: Sequence[Row]) -> str:
    """Where the best share lies, and what an even split and a mirrored decoder cost."""
    columns = ["data, networks, parameters", "best share", "within 1 % of its loss"]
    columns += ["an even split costs against the best share"]
    columns += ["mirroring costs against an even split", "best share at equal MACs"]
    lines = [
        [
            row.label,
            with_span(interval(row.entry), hundredths),
            span(interval(row.entry["within"]), hundredths),
            with_span(interval(row.entry["cost_of_even_split"]), change),
            with_span(interval(row.entry["cost_of_mirroring"]), change),
            with_span(interval(row.equal_macs), hundredths),
        ]
        for row in made
    ]
    return table(columns, lines)


TABLES = {
    "contrasts": contrast_table,
    "twice": twice_table,
    "mean": summary_table,
    "shares": shares_table,
    "costs": cost_table,
    "data": data_table,
}


def page(text: str, made: Sequence[Row]) -> str:
    """The page with each of its tables written anew between two comments."""
    written = {name: write(made) for name, write in TABLES.items()}
    for name, lines in (written | arms.tables(RESULTS)).items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not begin or not end:
            raise SystemExit(f"{PAGE.name} has no place for the table {name!r}")
        text = f"{before}{begin}\n{lines}\n\n{end}{after}"
    return text


def figure(made: Sequence[Row]) -> go.Figure:
    """A forest plot: both contrasts row by row, their mean and where a further row would lie."""
    means = {name: over_all(measured) for name, measured in groups(made).items()}
    labels = [row.label for row in made]
    for name, measured in groups(made).items():
        labels.insert(labels.index(measured[-1][-1].label) + 1, name)
    known = sum(row.known for row in made)
    drawn = make_subplots(
        cols=2,
        rows=1,
        shared_yaxes=True,
        horizontal_spacing=0.04,
        subplot_titles=[f"{share} in the decoder" for share in PRIMARY],
    )
    for column, share in enumerate(PRIMARY, 1):
        for row in made:
            contrast = row.contrast(share)
            _bar(drawn, column, row.label, contrast, colour(contrast), "circle")
        for name, pools in means.items():
            _bar(drawn, column, name, pools[share].prediction, NEITHER, "diamond", thickness=1)
            mean = pools[share].mean
            _bar(drawn, column, name, mean, colour(mean), "diamond", thickness=5)
        drawn.add_vline(x=0, line={"color": NEITHER, "width": 1}, col=column, row=1)
        drawn.add_hline(y=known - 0.5, line={"color": "#d5dbe1", "width": 1}, col=column, row=1)
    title = {"text": "loss against an even split", "font": {"size": 13}}
    drawn.update_xaxes(
        range=SHOWN, dtick=25, ticksuffix=" %", zeroline=False, title=title, matches="x"
    )
    drawn.update_yaxes(
        categoryorder="array",
        categoryarray=labels[::-1],
        range=(-0.7, len(labels) - 0.3),
        automargin=True,
    )
    drawn.update_layout(
        template="plotly_white",
        font={"family": "DejaVu Sans, sans-serif", "size": 13, "color": NEITHER},
        margin={"l": 10, "r": 20, "t": 40, "b": 10},
        width=WIDTH,
        height=AROUND + PER_ROW * len(labels),
        showlegend=False,
    )
    return drawn


def colour(log_ratio: Interval) -> str:
    """By whether the interval says better or worse than an even split."""
    if log_ratio.low is None or log_ratio.high is None or log_ratio.low <= 0 <= log_ratio.high:
        return NEITHER
    return BETTER if log_ratio.high < 0 else WORSE


def _bar(
    drawn: go.Figure,
    column: int,
    label: str,
    log_ratio: Interval,
    line: str,
    symbol: str,
    thickness: int = 2,
) -> None:
    """An estimate with its interval, in per cent."""
    shown = relative_change(log_ratio)
    if shown.estimate is None or shown.low is None or shown.high is None:
        return
    drawn.add_scatter(
        x=[100 * shown.estimate],
        y=[label],
        error_x={
            "array": [100 * (shown.high - shown.estimate)],
            "arrayminus": [100 * (shown.estimate - shown.low)],
            "thickness": thickness,
            "width": 0,
        },
        mode="markers",
        marker={"color": line, "size": 10, "symbol": symbol},
        col=column,
        row=1,
    )


def main() -> None:
    """The command."""
    made = rows()
    PAGE.write_text(page(PAGE.read_text("utf-8"), made), "utf-8")
    if "--tables" not in sys.argv[1:]:
        save(figure(made), FIGURE)


if __name__ == "__main__":
    main()

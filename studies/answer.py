"""Writes the numbers of docs/answer.md, its figure and the studies' pages from committed results.

    python studies/answer.py              tables, figure (needs Chromium), results/NAME/README.md
    python studies/answer.py --tables     all but the figure

The rows are those of `rows.py`, the pages those of `pages.py`.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import arms
import plotly.graph_objects as go
from arms import costs
from figures import save
from pages import study_pages
from plotly.subplots import make_subplots
from pooling import Pooled, pooled
from rows import (
    DATA,
    IMAGES,
    MIRRORED,
    PRIMARY,
    RESULTS,
    Row,
    Sweeps,
    combined,
    groups,
    interval,
    rows,
    sweeps_of,
)

from asymnas.analysis.estimates import Interval
from asymnas.core.text import MISSING, change, hundredths, probability, short, span, with_span
from asymnas.reporting.verdicts import relative_change

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "answer.md"
FIGURE = ROOT / "docs" / "images" / "answer.png"
BETTER, WORSE, NEITHER = "#0b6e69", "#b3174f", "#4a5560"
SHOWN = (-35, 50)  # per cent; an interval that reaches beyond ends at the frame
WIDTH, PER_ROW, AROUND = 900, 30, 110  # pixels


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
    """The mean over rows, and where a further row would lie; of images also by data."""
    lines = []
    for group, measured in {**groups(made), **by_data(made)}.items():
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


def by_data(made: Sequence[Row]) -> dict[str, list[Sweeps]]:
    """The rows of images at the usual length: those of digits, which share data, and the others."""
    usual = [row for row in made if row.dataset in IMAGES and not row.longer]
    return {
        "digits alone": sweeps_of([row for row in usual if row.dataset == "digits"]),
        "other images alone": sweeps_of([row for row in usual if row.dataset != "digits"]),
    }


def data_table(made: Sequence[Row]) -> str:
    """What was trained on, how long, and how well."""
    columns = ["data, networks, parameters", "one example", "training set", "passes"]
    columns += ["latent", "lowest validation loss", "principal components"]
    components = json.loads((RESULTS / "principal_components.json").read_text("utf-8"))
    lines = []
    for row in made:
        _, shape, count = DATA[row.dataset]
        lowest = f"{row.lowest:.3g}"
        same = row.plain and not row.again  # replications have other splits
        pca = f"{components[row.dataset]['validation']:.3g}" if same else MISSING
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
    for file, text in study_pages(made).items():
        file.write_text(text, "utf-8")
    if "--tables" not in sys.argv[1:]:
        save(figure(made), FIGURE)


if __name__ == "__main__":
    main()

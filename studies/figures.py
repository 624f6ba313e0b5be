"""Draws the README's figures from committed results: `python studies/figures.py` (needs Chromium).

Writes docs/images/share-digits.png, front-fashion-mnist.png and digits-confirmation.png.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

from asymnas.analysis.front import Objective
from asymnas.analysis.share import infer_share
from asymnas.core.columns import TOTAL_PARAMS, VAL_LOSS
from asymnas.reporting.figures.decoder_share import share_panel
from asymnas.reporting.figures.front import front_panel

ROOT = Path(__file__).parents[1]
NAMES = {
    "symmetric": "best of a symmetric search",
    "mirror": "mirror of the best encoder",
    "reference": "reference network",
}
WIDTH, HEIGHT, TALL = 900, 300, 420  # pixels


def confirmation(path: Path) -> go.Figure:
    """Relative test loss of each control against the best network, by seed, with intervals."""
    rows = {row["against"]: row for row in json.loads(path.read_text("utf-8"))["comparisons"]}
    figure = go.Figure()
    for against, name in reversed(NAMES.items()):
        seeds = [100 * value for value in rows[against]["differences"].values()]
        estimate = rows[against]["difference"]
        figure.add_scatter(
            x=seeds,
            y=[name] * len(seeds),
            mode="markers",
            marker={"color": "#9fb8c4", "size": 9},
            showlegend=False,
        )
        figure.add_scatter(
            x=[100 * estimate["estimate"]],
            y=[name],
            error_x={
                "array": [100 * (estimate["high"] - estimate["estimate"])],
                "arrayminus": [100 * (estimate["estimate"] - estimate["low"])],
                "thickness": 2,
            },
            mode="markers",
            marker={"color": "#0b6e69", "size": 12, "symbol": "diamond"},
            showlegend=False,
        )
    figure.add_vline(x=0, line={"color": "#b3174f", "width": 2})
    figure.update_layout(
        template="plotly_white",
        font={"family": "DejaVu Sans, sans-serif", "size": 14, "color": "#4a5560"},
        margin={"l": 10, "r": 20, "t": 10, "b": 10},
        width=WIDTH,
        height=HEIGHT,
        yaxis={"automargin": True},
        xaxis={
            "title": "test loss above that of the best network found, %",
            "automargin": True,
            "zeroline": False,
        },
    )
    return figure


def share(path: Path) -> go.Figure:
    """Loss against the decoder share, as the report of a sweep shows it."""
    table = pd.read_csv(path)
    figure = share_panel(table, infer_share(table)).figure
    return figure.update_layout(width=WIDTH, height=TALL)


def front(path: Path) -> go.Figure:
    """Loss against parameters, as the report of a search shows it."""
    objectives = [Objective(VAL_LOSS), Objective(TOTAL_PARAMS)]
    figure = front_panel(pd.read_csv(path), objectives).figure
    return figure.update_layout(width=WIDTH, height=TALL)


def save(figure: go.Figure, path: Path) -> None:
    """Writes a figure as PNG by a screenshot in headless Chromium."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("this needs Chromium: install it and run again")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "figure.html"
        config = {"staticPlot": True}
        body = figure.to_html(include_plotlyjs=True, full_html=False, config=config)
        page.write_text(f'<body style="margin:0">{body}</body>', "utf-8")
        subprocess.run(
            [
                browser,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--no-first-run",
                "--disable-background-networking",
                f"--user-data-dir={folder}/profile",
                f"--window-size={figure.layout.width},{figure.layout.height}",
                "--virtual-time-budget=5000",
                f"--screenshot={path}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )


if __name__ == "__main__":
    sweep = ROOT / "studies" / "results" / "digits" / "sweep" / "trials.csv"
    save(share(sweep), ROOT / "docs" / "images" / "share-digits.png")
    search = ROOT / "studies" / "results" / "fashion_mnist" / "trials.csv"
    save(front(search), ROOT / "docs" / "images" / "front-fashion-mnist.png")
    digits = ROOT / "studies" / "results" / "digits" / "search" / "confirmation.json"
    save(confirmation(digits), ROOT / "docs" / "images" / "digits-confirmation.png")

"""What a notebook shows of architectures, runs and fronts, and what a terminal shows of a run."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_runs import run_of
from problems import drawn

from asymnas import Run
from asymnas.core import columns as t
from asymnas.core.errors import StudyError
from asymnas.core.tables import Rows
from asymnas.networks.families import Problem

Table = list[list[str]]


def read(shown: Any) -> tuple[str, Table]:
    """The caption of an HTML table, and its rows with the headings; fails on broken HTML."""
    root = ET.fromstring(shown._repr_html_().replace("<br>", "\n"))
    cells = [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]
    return "".join(next(root.iter("caption")).itertext()), cells


@pytest.mark.parametrize("family", ["dense", "conv2d"])
def test_an_architecture_is_its_layers_with_the_sum_of_each_side(family: str) -> None:
    shape = (64,) if family == "dense" else (1, 8, 8)
    architecture = drawn(family, Problem(shape=shape, latent=3), 0)
    caption, (head, *rows) = read(architecture)
    assert head == ["side", "layer", "output", "parameters", "MACs"]
    counts = architecture.counts
    assert f"{counts.total_params:,} parameters" in caption
    for side, params in (("encoder", counts.encoder_params), ("decoder", counts.decoder_params)):
        own = [row for row in rows if row[0] == side]
        assert own[-1][1:4] == ["all layers", "", f"{params:,}"]
        assert sum(int(row[3].replace(",", "")) for row in own[:-1]) == params


def test_a_run_is_its_front(table: pd.DataFrame) -> None:
    run = run_of(table)
    caption, (head, *rows) = read(run)
    headline = f"search of digits, {len(table)} trials, {len(run.front)} on the front"
    assert caption == f"nowhere\n{headline}. Knee: the best compromise."
    assert head[:3] == ["trial", "validation loss", "parameters"]
    assert [int(row[0].split()[0]) for row in rows] == list(run.front[t.TRIAL])
    assert rows[0][0].endswith(" best")
    assert [row[2] for row in rows] == [f"{n:,}" for n in run.front[t.TOTAL_PARAMS]]
    assert repr(run) == f"<Run nowhere: {headline}>"


def test_the_best_is_its_architecture_and_its_loss(table: pd.DataFrame) -> None:
    best = run_of(table).best
    caption, rows = read(best)
    assert caption.startswith(f"trial {best.trial} of nowhere: dense autoencoder (plain) of 64\n")
    assert f"validation loss {best.values[t.VAL_LOSS]:#.4g}" in caption
    assert rows == read(best.architecture)[1]


def test_every_degenerate_run_is_shown(degenerate: pd.DataFrame) -> None:
    run = run_of(degenerate)
    assert len(read(run)[1]) == 1 + len(run.front)
    assert repr(run).startswith("<Run nowhere: search of ")


def test_all_text_is_escaped() -> None:
    evil = "<script>alert('&')</script>"
    shown = Rows(title=evil, caption=evil, columns=(evil,), rows=((evil,),), marked=0).to_html()
    assert "<script>" not in shown
    root = ET.fromstring(shown.replace("<br>", "\n"))
    assert "".join(root.itertext()) == f"{evil}\n{evil}{evil}{evil}"


def test_a_run_that_cannot_be_read_has_a_name_all_the_same() -> None:
    class Gone:
        @property
        def config(self) -> Any:
            raise StudyError("gone")

        table = config

    study: Any = Gone()
    assert repr(Run(study, Path("nowhere"))) == "<Run nowhere>"

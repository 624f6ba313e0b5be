"""What a publication writes, keeps and says."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from made_runs import ARCHITECTURE, confirmation_of, confirmation_rows, run_of
from made_tables import made_table

from asymnas.core import columns as t
from asymnas.core.checksums import with_checksum
from asymnas.core.files import write_whole
from asymnas.networks.architecture import Architecture
from asymnas.reporting.content import Folded, Picture
from asymnas.reporting.findings import Findings
from asymnas.reporting.pictures import errors_sentence, pictures
from asymnas.reporting.publish import publish
from asymnas.reporting.summary import as_markdown, summarise
from asymnas.runs.directory import (
    CONFIRMATION,
    CONFIRMATION_DIR,
    REPORT,
    SUMMARY,
    reconstruction_path,
)
from asymnas.runs.run import Run
from asymnas.training.reconstructions import reconstruction_png

SECRET = "s3cr3t"


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_what_is_returned_is_what_was_written(tmp_path: Path) -> None:
    follow_up = confirmation_of(confirmation_rows(3, {"best": 0.02, "mirror": 0.03}), 3)
    run = run_of(made_table(), directory=tmp_path, follow_ups={"confirmation": follow_up})
    published = publish(run)
    assert published.summary == read(tmp_path / SUMMARY)
    assert published.confirmation == read(tmp_path / CONFIRMATION)
    assert published.report == tmp_path / REPORT
    assert published.findings.confirmed is not None
    assert (tmp_path / "trials.csv").read_text().count("\n") == len(run.table) + 1
    study: Any = run.study
    assert as_markdown(published.summary["verdict"][0]) in study.notes[None]


def test_weights_of_an_earlier_publication_outlive_a_missing_checkpoint(tmp_path: Path) -> None:
    best = tmp_path / "best"
    best.mkdir()
    (best / "weights.safetensors").write_bytes(b"earlier weights")
    (best / "architecture.json").write_text("what they belong to")
    published = publish(run_of(made_table(), directory=tmp_path))
    assert (best / "weights.safetensors").read_bytes() == b"earlier weights"
    assert (best / "architecture.json").read_text() == "what they belong to"
    [kept] = published.summary["left_out"]
    assert kept.startswith("best/ is as it was published before: ")
    assert "is as it was published before" in (tmp_path / REPORT).read_text()


def test_without_weights_the_architecture_is_written_and_the_lack_said(tmp_path: Path) -> None:
    published = publish(run_of(made_table(), directory=tmp_path))
    assert read(tmp_path / "best" / "architecture.json") == with_checksum(ARCHITECTURE)
    assert not (tmp_path / "best" / "weights.safetensors").exists()
    assert "best/ holds no weights" in published.summary["left_out"][0]


def test_an_unreadable_confirmation_keeps_its_results_and_an_absent_one_has_none(
    tmp_path: Path,
) -> None:
    made = run_of(made_table(), directory=tmp_path)
    (tmp_path / CONFIRMATION).write_text('{"verdict": ["kept"]}')
    database = tmp_path / CONFIRMATION_DIR / "study.db"
    database.parent.mkdir()
    database.write_bytes(b"no database at all")
    published = publish(Run(made.study, tmp_path))
    assert read(tmp_path / CONFIRMATION) == {"verdict": ["kept"]}
    assert published.confirmation is None
    assert any("confirmation" in said for said in published.summary["left_out"])
    database.unlink()
    assert publish(Run(made.study, tmp_path)).summary["left_out"] != published.summary["left_out"]
    assert not (tmp_path / CONFIRMATION).exists()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{SECRET}@db/studies",
        f"mysql+pymysql://me:{SECRET}@db/studies?charset=utf8",
        f"postgresql://db/studies?user=me&password={SECRET}",
    ],
)
def test_no_secret_of_a_storage_is_published(tmp_path: Path, url: str) -> None:
    publish(run_of(made_table(), directory=tmp_path, settings={"storage": url}))
    assert "db/studies" in (tmp_path / REPORT).read_text()
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path


def test_the_data_are_loaded_once_for_both_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[object] = []

    def load(spec: object) -> Any:
        loads.append(spec)
        return SimpleNamespace(validation=torch.rand(8, 64))

    def trained(directory: Path, trial: int, examples: int, architecture: Architecture) -> Any:
        return architecture.build(seed=0).eval()

    monkeypatch.setattr("asymnas.reporting.pictures.load_dataset", load)
    monkeypatch.setattr("asymnas.reporting.pictures.load_trained", trained)
    run = run_of(made_table(), follow_ups={"control": run_of(made_table(seed=1))})
    findings = Findings(run=run)
    [picture] = pictures(findings, summarise(findings))
    assert isinstance(picture, Picture)
    assert picture.labels == ("original", "symmetric", "error", "best", "error")
    assert len(loads) == 1


def test_pictures_that_cannot_be_made_are_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = run_of(made_table(), follow_ups={"control": run_of(made_table(seed=1))})
    findings = Findings(run=run)
    [said] = pictures(findings, summarise(findings))
    assert not isinstance(said, Picture)
    assert "not shown side by side: nowhere holds no weights" in said.items[0]


def test_numbers_of_a_table_are_written_whole(tmp_path: Path) -> None:
    table = made_table()
    publish(run_of(table, directory=tmp_path))
    back = pd.read_csv(tmp_path / "trials.csv")
    np.testing.assert_allclose(back["val_loss"], table["val_loss"], rtol=1e-12)
    assert json.loads(back["curve"][0]) == table["curve"][0]


def test_the_best_is_shown_and_other_members_are_folded_with_how_errors_are_read(
    tmp_path: Path,
) -> None:
    run = run_of(made_table(), directory=tmp_path)
    png = reconstruction_png({"original": np.zeros((1, 8)), "reconstruction": np.ones((1, 8))})
    trials = [int(trial) for trial in run.front[t.TRIAL]]
    for trial in trials:
        write_whole(reconstruction_path(tmp_path, trial), png)
    findings = Findings(run=run)
    blocks = pictures(findings, summarise(findings))
    best, others = blocks
    assert isinstance(best, Picture)
    assert isinstance(others, Folded)
    assert best.caption.startswith(f"Trial {trials[0]}: ")
    assert (best.labels, best.strips) == (("original", "reconstruction", "error"), True)
    assert others.summary == f"By {len(trials) - 1} more members of the front"
    assert [part.caption.split(":")[0] for part in others.body if isinstance(part, Picture)] == [
        f"Trial {trial}" for trial in trials[1:]
    ]
    assert "25\N{NO-BREAK SPACE}% of the examples' range" in errors_sentence(blocks)
    assert errors_sentence([Picture(png=png, caption="Of an earlier version.")]) == ""

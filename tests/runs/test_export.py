"""`best.export` and `asymnas export`: the directory, its card, and what cannot be exported."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from command_line import asymnas

from asymnas.core.config import DataSpec
from asymnas.core.errors import ConfigError, StudyError, UnknownNameError
from asymnas.data.base import load_dataset, preprocessing_of
from asymnas.networks.architecture import Architecture
from asymnas.runs.directory import write_preprocessing
from asymnas.runs.run import TrainedArchitecture

from .test_apply import SORTS, made

BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture
def rows(tmp_path: Path) -> TrainedArchitecture:
    """A made network of rows."""
    return made(tmp_path, *SORTS["rows"])


def test_the_directory_holds_what_the_card_lists(rows: TrainedArchitecture, tmp_path: Path) -> None:
    out = rows.export(tmp_path / "out")
    card = (out / "README.md").read_text()
    names = {path.name for path in out.iterdir()}
    assert names == {
        "README.md",
        "architecture.json",
        "preprocessing.json",
        "weights.safetensors",
    }
    listed = set(re.findall(r"^- `(.*?)`", card, re.MULTILINE))
    assert listed == names - {"README.md"}
    stored = json.loads((out / "architecture.json").read_text())
    assert Architecture.from_dict(stored) == rows.architecture
    assert f"{rows.encoder_params:,}" in card
    assert f"{rows.architecture.counts.decoder_macs:,}" in card
    assert "| validation loss |" in card


@pytest.mark.parametrize("sort", SORTS)
def test_the_code_of_the_card_does_what_the_package_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    """Data to examples, examples to outputs, outputs to values."""
    trained = made(tmp_path, *SORTS[sort])
    raw = SORTS[sort][2][:5]
    data = raw if sort != "images of bytes" else np.moveaxis(raw, -1, 1)
    data = data[:, None] if sort == "images of floats" else data
    out = trained.export(tmp_path / "out")
    monkeypatch.chdir(out)
    loading, before, after = BLOCK.findall((out / "README.md").read_text())
    namespace: dict[str, Any] = {"data": data}
    torch.set_grad_enabled(False)
    try:
        exec(before + "\n" + loading + "\n" + after, namespace)
    finally:
        torch.set_grad_enabled(True)
    assert torch.equal(
        namespace["examples"],
        torch.as_tensor(trained.preprocessing.prepare(data)).float()
        / (255 if sort == "images of bytes" else 1),
    )
    wanted = np.asarray(trained.reconstruct(data))
    np.testing.assert_allclose(np.asarray(namespace["values"]), wanted, rtol=1e-4, atol=1.01)


def test_the_code_of_the_card_prepares_a_table(
    rows: TrainedArchitecture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame(
        {"town": ["Ulm", "Bonn", "Ulm", "Kiel"] * 15, "age": [3.0, np.nan, 5.5, 9.0] * 15}
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    data = load_dataset(DataSpec(name=f"csv:{tmp_path / 'a.csv'}"))
    write_preprocessing(tmp_path, preprocessing_of(data))
    out = rows.export(tmp_path / "out")
    monkeypatch.chdir(out)
    before = BLOCK.findall((out / "README.md").read_text())[1]
    namespace: dict[str, Any] = {"data": frame}
    exec(before, namespace)
    assert torch.equal(namespace["examples"], preprocessing_of(data).prepare(frame))


def test_what_cannot_be_exported_is_one_line(rows: TrainedArchitecture, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="full is there already: give a new or empty directory"):
        rows.export(full)
    with pytest.raises(UnknownNameError, match="no format is called 'onx'; there are: onnx, "):
        rows.export(tmp_path / "out", "onx")
    with pytest.raises(ConfigError, match="part must be whole, encoder, decoder but got 'half'"):
        rows.export(tmp_path / "out", part="half")  # type: ignore[arg-type]
    assert [path.name for path in full.iterdir()] == ["mine.txt"]
    assert not (tmp_path / "out").exists()
    empty = tmp_path / "empty"
    empty.mkdir()
    assert rows.export(empty, part="encoder") == empty
    assert not list(tmp_path.glob(".*"))


def test_weights_that_are_gone_are_one_line(rows: TrainedArchitecture, tmp_path: Path) -> None:
    for path in (tmp_path / "artifacts" / "checkpoints").iterdir():
        path.unlink()
    with pytest.raises(StudyError, match="holds no weights of trial 3"):
        rows.export(tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere", "out"), 1, "nowhere holds no run"),
        ((".",), 2, "--out needs to be given"),
        (
            ("nowhere", "out", "--part", "half"),
            2,
            "--part must be one of whole, encoder, decoder but got 'half'",
        ),
        (("nowhere", "out", "--trial", "x"), 2, "--trial must be a whole number but got 'x'"),
    ],
)
def test_the_command_answers_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = asymnas("export", *arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (code, "", 1)
    assert words in result.stderr

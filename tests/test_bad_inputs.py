"""Inputs that cannot be used: the whole message, one line, and the exit code.

`bad_inputs.txt` has them in blocks of two lines: the command line after `$ asymnas`, then the exit
code and what is printed. `HERE` is the folder in which it is run; `{families}` and the like are the
names of a registry, so that an addition to one changes nothing here.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from command_line import asymnas
from marks import fast_first
from PIL import Image

from asymnas.list import REGISTRIES, registry_of

FAST = 60  # of the lines, the first of the file, which need no data
BLOCKS = (Path(__file__).parent / "bad_inputs.txt").read_text("utf-8").strip().split("\n\n")
LINES = {line.removeprefix("$ asymnas "): said for line, said in map(str.splitlines, BLOCKS)}

TEXTS = {
    "file": "not a folder",
    "empty.npy": "",
    "bad.npz": "no archive",
    "bad.parquet": "no table",
    "empty.csv": "",
    "header.csv": "a,b,c\n",
    "ragged.csv": "a,b\n1,2\n3\n4,5,6\n",
    "fine.csv": "a,b,c\n" + "".join(f"{i},{i * i % 7},{'xyz'[i % 3]}\n" for i in range(60)),
    "sound/1.wav": "no sound",
    "other.py": "def sweep():\n    return 3\n",
    "none.py": "x = 1\n",
    "syntax.py": "def study(:\n",
    "raises.py": "def study():\n    raise ValueError('mine')\n",
    "given.py": "from asymnas import StudyConfig as S\n\ndef study():\n    return S(trials=-1)\n",
    "junk-db/study.db": "no database" * 100,
    "zero-db/study.db": "",
    "junk-home/storage.json": "{",
    "other-home/storage.json": '{"storage": "sqlite:///gone.db", "study": "x"}',
    **{f"junk/{i}.png": "no picture" for i in range(4)},
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of unusable inputs."""
    folder = tmp_path_factory.mktemp("inputs")
    for name in ("empty", "unlike", "one", "folder.db"):
        (folder / name).mkdir()
    for i in range(12):
        image = Image.new("RGB" if i % 2 else "L", (8, 8), color=i * 9)
        image.save(folder / "unlike" / f"{i}.png")
    Image.new("L", (8, 8), color=9).save(folder / "one" / "1.png")
    fine = np.random.default_rng(0).normal(size=(50, 5))
    with_gap = fine.copy()
    with_gap[3, 2] = np.nan
    arrays = {
        "fine": {"x": fine},
        "nan": {"x": with_gap},
        "two": {"a": np.ones((4, 3)), "b": np.ones((4, 3))},
        "few": {"x": np.ones((2, 3))},
        "text": {"x": np.array(["a", "b"] * 20)},
        "five": {"x": np.ones((20, 2, 2, 2, 2))},
    }
    for name, content in arrays.items():
        np.savez(folder / f"{name}.npz", **content)
    for name, text in TEXTS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def here(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """That folder, as the current one, in which nothing is left that a command has made."""
    monkeypatch.chdir(inputs)
    before = {path: path.stat().st_mtime_ns for path in inputs.rglob("*") if path.is_file()}
    yield inputs
    made = {path for path in inputs.rglob("*") if path.is_file() and path not in before}
    for path in made:
        path.unlink()
    # A study that could not be begun leaves its empty database, and one that is there may be read.
    assert {path.name for path in made} <= {"study.db"}
    assert [path for path in before if path.suffix != ".db" and not path.exists()] == []


@pytest.mark.parametrize("line", fast_first(LINES, fast=FAST))
def test_what_cannot_be_run_is_one_line_and_leaves_nothing(
    line: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    result = asymnas(*line.split())
    said = f"{result.exit_code} {result.stderr}".replace(str(here), "HERE")
    assert said == f"{with_names(LINES[line])}\n"


def with_names(text: str) -> str:
    """A message with the names of each registry that it lists."""
    listed = [things for things in REGISTRIES if f"{{{things}}}" in text]
    for things in listed:
        text = text.replace(f"{{{things}}}", ", ".join(registry_of(things).names()))
    return text


def test_there_are_as_many_as_promised() -> None:
    assert len(LINES) == len(BLOCKS) >= 100

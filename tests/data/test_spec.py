"""Names of data sets mean the same files from anywhere, however they are written."""

from pathlib import Path

import pytest

from asymnas.data.spec import located, same_place, same_source

ONE = "csv:t.csv?label=x&group=y"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two directories with a file of one name and a link to the first, which is the present one."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "t.csv").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    monkeypatch.chdir(tmp_path / "a")
    monkeypatch.setenv("HOME", str(tmp_path / "a"))
    return tmp_path


@pytest.mark.parametrize(
    "other",
    [
        "csv:./t.csv?label=x&group=y",
        "csv:../a/t.csv?label=x&group=y",
        "csv:../link/t.csv?label=x&group=y",
        "csv:~/t.csv?label=x&group=y",
        "csv:{}/a//t.csv?label=x&group=y",
        "csv:t.csv?group=y&label=x",
    ],
)
def test_other_spellings_of_a_file_are_the_same_place(files: Path, other: str) -> None:
    assert same_place(located(ONE), located(other.format(files)))
    assert same_place(ONE, located(other.format(files)))  # as earlier versions stored it


@pytest.mark.parametrize(
    ("other", "source"),
    [
        ("csv:../b/t.csv?label=x&group=y", True),
        ("csv:{}/a/u.csv?label=x&group=y", True),
        ("csv:t.csv?label=x", False),
        ("csv:t.csv?label=x&group=z", False),
        ("parquet:t.csv?label=x&group=y", False),
        ("digits", False),
    ],
)
def test_other_files_and_options_are_kept_apart(files: Path, other: str, source: bool) -> None:
    other = other.format(files)
    assert not same_place(located(ONE), located(other))
    assert same_source(located(ONE), located(other)) is source


@pytest.mark.parametrize(
    "name", ["digits", "wine?anomaly=1", "csv:nowhere.csv", "hub:name/of-a-set"]
)
def test_what_is_no_path_that_exists_is_left_alone(name: str) -> None:
    assert located(name) == name


def test_a_path_is_made_absolute_and_its_links_and_options_are_kept(files: Path) -> None:
    assert located("folder:..") == f"folder:{files}"
    assert located("csv:../link/t.csv?label=a%26b") == f"csv:{files}/link/t.csv?label=a%26b"

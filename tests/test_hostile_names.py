"""Names that are programs, paths or terminal codes are names and nothing else."""

import os
from pathlib import Path

import numpy as np
import pytest
from browser import dashboard, in_a_browser, tab
from command_line import asymnas
from PIL import Image

from asymnas import StudyConfig
from asymnas.reporting.summary import as_markdown

NAME = "<script>alert(1)</script>/../../x"
PICTURE = "<img src=x onerror=document.title='owned'>"
FILES = (
    PICTURE.encode(),
    b"'\"`${x}`.quoted",
    b"two\nlines",
    "\N{PILE OF POO}".encode(),
    b"\xff\xfe not UTF-8",
    b"\x1b[2J\x1b]0;owned\x07 codes",
    b"[bold]:smile:[link=x]",
)


@pytest.mark.parametrize(
    ("name", "run_dir"),
    [
        ("digits", "runs/digits"),
        ("mine/of today", "runs/mine/of today"),
        ("../../x", "runs/x"),
        ("/etc/x", "runs/etc/x"),
        ("..", "runs/study"),
        (".", "runs/study"),
        ("a/./b/..", "runs/a/b"),
        ("a\\..\\b", "runs/a-..-b"),
        ("nul\x00\n", "runs/nul--"),
        (NAME, "runs/<script>alert(1)</script>/x"),
        ("x" * 300, "runs/" + "x" * 200),
        ("\N{PILE OF POO}" * 90, "runs/" + "\N{PILE OF POO}" * 50),  # of four bytes each
        ("\udcff\udcfe", "runs/??"),  # bytes of a command line that are not UTF-8
    ],
)
def test_a_study_s_name_leads_out_of_no_folder(name: str, run_dir: str) -> None:
    assert StudyConfig(name=name).run_dir == run_dir


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("60 % of 1,200 parameters", "60 % of 1,200 parameters"),
        (PICTURE, "&lt;img src=x onerror=document.title='owned'&gt;"),
        ("[a](javascript:b)", r"\[a\](javascript:b)"),
        ("![a](http://b)", r"!\[a\](http://b)"),
        ("a\n# b", r"a \# b"),
        ("`a` *b* _c_ ~d~ $e$ |", r"\`a\` \*b\* \_c\_ \~d\~ \$e\$ \|"),
        ("a&lt;b\\", r"a&amp;lt;b" + "\\\\"),
        ("\x1b[31m", "\N{REPLACEMENT CHARACTER}\\[31m"),
    ],
)
def test_a_note_s_text_is_no_markdown(text: str, line: str) -> None:
    assert as_markdown(text) == line


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of pictures in two classes, all with names that are more than names."""
    folder = tmp_path / "pictures"
    draw = np.random.default_rng(0)
    for label in (PICTURE, "\x1b[2Jb"):
        (folder / label).mkdir(parents=True)
        for number in range(30):
            pixels = draw.integers(0, 256, size=(8, 8), dtype=np.uint8)
            name = b"%d " % number + FILES[number % len(FILES)] + b".png"
            Image.fromarray(pixels).save(os.fsencode(folder / label) + b"/" + name)
    return folder


@pytest.mark.slow
@pytest.mark.essential
@in_a_browser
def test_hostile_names_pass_through_search_report_and_dashboard(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    flags = "--family dense --budget 4k --latent 4 --trials 2 --examples 600 --metrics mse"
    given = ["--dataset", f"folder:{pictures}", "--name", NAME, "--data-root", str(home / "data")]
    result = asymnas("search", *flags.split(), "--workers", "1", *given)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert {path.name for path in home.iterdir()} == {"runs", "data"}
    (database,) = home.rglob("study.db")
    directory = database.parent
    assert directory == home / StudyConfig(name=NAME).run_dir
    with dashboard(directory) as studies, tab() as shown:
        note = f"{studies}/studies/1/note"
        for address in ((directory / "report.html").as_uri(), studies, note):
            shown.open(address)
            shown.page.get_by_text("<script>alert(1)</script>").first.wait_for()
            page = shown.page.content()
            assert "<script>alert" not in page
            assert "<img src=x" not in page.replace('"', "")
            assert shown.page.title() != "owned"

"""Names that are programs, paths or terminal codes are names and nothing else."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from command_line import asymnas
from PIL import Image

from asymnas import StudyConfig
from asymnas.reporting.summary import as_markdown

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
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


def dom(address: str, profile: Path) -> str:
    """A page as Chromium has it after its scripts have run."""
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
    command += ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
    command += ["--disable-sync", f"--user-data-dir={profile}", "--virtual-time-budget=4000"]
    command += ["--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=True)
    return done.stdout


@pytest.fixture
def dashboard() -> Iterator[Callable[[Path], str]]:
    """Starts the dashboard of a run and returns its address."""
    started: list[subprocess.Popen[str]] = []

    def start(directory: Path) -> str:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "asymnas.dashboard", str(directory), "--port", str(port)]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(f"{address}/api/studies") as answer:
                assert answer.status == 200
                return address
            time.sleep(0.1)
        raise TimeoutError("the dashboard does not answer")

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.essential
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_hostile_names_pass_through_search_report_and_dashboard(
    pictures: Path,
    dashboard: Callable[[Path], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
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
    report = dom((directory / "report.html").as_uri(), tmp_path / "profile")
    studies = f"{dashboard(directory)}/dashboard"
    pages = [dom(f"{studies}{page}", tmp_path / "profile") for page in ("", "/studies/1/note")]
    for page in (report, *pages):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<script>alert" not in page
        assert "<img src=x" not in page.replace('"', "")
        assert "<title>owned" not in page

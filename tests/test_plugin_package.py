"""The plug-in package of docs/extending.md, installed into an environment of its own and used."""

import json
import os
import re
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints; its output is in the message if it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of a fresh environment that sees the packages of this one."""
    venv.create(tmp_path / "venv", with_pip=False)
    (packages,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    lines = [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages()]
    (packages / "of_the_tests.pth").write_text("\n".join(lines))
    return tmp_path / "venv" / "bin" / "python"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The files that the page shows, as a folder."""
    page = (ROOT / "docs" / "extending.md").read_text("utf-8")
    section = page.partition("## In a package of your own")[2].partition("\n## ")[0]
    files = re.findall(r"`([\w.]+)`:\n\n```\w+\n(.*?)```", section, re.DOTALL)
    folder = tmp_path / "package"
    folder.mkdir()
    for name, text in files:
        (folder / name).write_text(text)
    assert {name for name, _ in files} == {"asymnas_salt_and_pepper.py", "pyproject.toml"}
    return folder


@pytest.mark.slow
@pytest.mark.essential
@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_plug_in_from_the_docs_is_searched_with_by_a_worker(
    tmp_path: Path, python: Path, package: Path
) -> None:
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    run(sys.executable, "-m", "pip", "--python", python, "install", *offline, ".", cwd=package)
    search = "--dataset digits --family dense --budget 2k --latent 4 --trials 3 --examples 512"
    run(
        *(python, "-m", "asymnas.search", *search.split(), "--kind", "salt-and-pepper:share=0.2"),
        *("--workers", "1", "--run-dir", tmp_path / "run"),
        cwd=tmp_path,
    )
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["kind"] == "salt-and-pepper:share=0.2"
    assert summary["trials"]["complete"] + summary["trials"]["pruned"] == 3
    code = "import asymnas_salt_and_pepper as m; print(m.__file__)"
    assert str(tmp_path / "venv") in run(python, "-c", code, cwd=tmp_path)

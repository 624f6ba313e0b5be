"""The documentation builds as a site, strictly, where its generator is installed."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import asymnas

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(find_spec, ("mkdocs", "material", "mkdocstrings_handlers"))),
    reason="needs asymnas[docs]",
)
def test_the_site_builds_strictly_and_has_every_public_name(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    api = (tmp_path / "api" / "index.html").read_text("utf-8")
    public = [name for name in asymnas.__all__ if name != "__version__"]
    assert [name for name in public if f'id="asymnas.{name}"' not in api] == []
    assert (tmp_path / "repository" / "benchmarks" / "draws" / "index.html").is_file()
    records = {record.stem for record in (ROOT / "docs" / "decisions").glob("*.md")}
    listed = (tmp_path / "decisions" / "index.html").read_text("utf-8")
    assert [record for record in records if f'href="{record}/"' not in listed] == []

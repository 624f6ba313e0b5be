"""A search where people work: among the pictures, in a directory of any name, on any terminal."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image


@pytest.mark.slow
def test_a_search_among_its_pictures_goes_on_in_any_directory_and_encoding(tmp_path):
    place = tmp_path / os.fsdecode(b"caf\xe9")
    place.mkdir()
    for number, image in enumerate(
        np.random.default_rng(0).integers(0, 256, (20, 12, 12, 3), np.uint8)
    ):
        Image.fromarray(image).save(place / f"{number}.png")
    sizes = ["--budget", "5k", "--examples", "500", "--workers", "1", "--image-size", "8"]
    for trials in "12":
        command = [sys.executable, "-m", "asymnas.search", "--dataset", f"folder:{place}"]
        ended = subprocess.run(
            [*command, *sizes, "--data-root", "root", "--trials", trials],
            cwd=place,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
            capture_output=True,
            check=False,
        )
        assert (ended.returncode, b"error" in ended.stderr) == (0, False), ended.stderr
        assert f"{trials} complete".encode() in ended.stdout
    (report,) = place.glob("runs/*/report.html")
    assert "caf\\udce9" in report.read_text("utf-8")

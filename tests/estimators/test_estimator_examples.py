"""The example scripts run, and print what the documentation says that they print."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.essential
def test_an_autoencoder_beside_pca(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = runpy.run_path(str(ROOT / "docs" / "examples" / "beside_pca.py"))
    assert (tmp_path / "beside_pca.html").is_file()
    printed = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in printed if re.match(r" +\d", line)]
    assert [int(row[0]) for row in rows] == list(ran["LATENTS"])
    for _, pca, autoencoder, *aurocs in rows:
        assert float(autoencoder) < 1.5 * float(pca)
        assert all(float(auroc) > 0.85 for auroc in aurocs)

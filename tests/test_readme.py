"""The README's figures are those of the committed results."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
TEXT = " ".join(README.replace("*", "").split())


def results(name: str) -> Any:
    return json.loads((ROOT / "studies" / "results" / name).read_text("utf-8"))


def percents(*fractions: float) -> list[str]:
    """Relative differences as the README rounds them: two digits, a minus sign."""
    shown = [f"{100 * f:.1f}" if abs(f) < 0.0995 else f"{100 * f:.0f}" for f in fractions]
    return [text.replace("-", "\N{MINUS SIGN}") for text in shown]


def test_the_confirmation_of_digits() -> None:
    compared = {c["against"]: c for c in results("digits/confirmation.json")["comparisons"]}
    for against, form in (
        ("mirror", "Mirroring the best encoder costs {} % ({} to {} %, p = {})"),
        ("symmetric", "symmetric search is {} % worse ({} to {} %, p = {})"),
    ):
        row = compared[against]
        difference = row["difference"]
        figures = percents(difference["estimate"], difference["low"], difference["high"])
        p = f"{row['p_holm']:.3f}".removeprefix("0")
        assert form.format(*figures, p) in TEXT


def test_the_front_of_digits() -> None:
    rows = re.search(r"```\n( +validation .*?)\n```", README, re.DOTALL)
    assert rows is not None
    shown = [line.replace(",", "").split() for line in rows[1].splitlines()[2:]]
    front = results("digits/summary.json")["front"][: len(shown)]
    counts = ("encoder_params", "decoder_params", "encoder_macs", "decoder_macs")
    assert [(int(r[0]), float(r[1]), int(r[2]), int(r[3])) for r in shown] == [
        (
            entry["trial"],
            float(f"{entry['values']['val_loss']:.5g}"),
            entry["values"]["total_params"],
            round(100 * entry["decoder_share"]),
        )
        for entry in front
    ]
    assert [[int(n) for n in r[5:]] for r in shown] == [[e[c] for c in counts] for e in front]


def test_the_calibration() -> None:
    table = (ROOT / "benchmarks" / "calibration.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    whole = [row for row in rows if len(row) > 15 and row[2] == "500"]
    covered = [float(row[3].rstrip("%")) for row in whole]
    assert len(covered) == 9
    assert "of each of nine truths" in TEXT
    assert f"cover the truth in {min(covered)} to {max(covered)} %" in TEXT
    of_share = {row[1]: float(row[4].rstrip("%")) for row in whole}
    assert min(of_share, key=lambda name: of_share[name]) == "kink at the optimum"

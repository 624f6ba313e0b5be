"""The README's figures are those of the committed results."""

import json
import math
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


def test_the_sweep_of_digits() -> None:
    (entry,) = results("digits/sweep/summary.json")["decoder_share"]
    third = entry["contrasts"]["1/3"]
    cost = percents(*(math.expm1(third[name]) for name in ("estimate", "low", "high")))
    p = f"{third['p_holm']:.3f}".removeprefix("0")
    assert "costs {} % (95 % interval {} to {} %, p = {})".format(*cost, p) in TEXT
    share = [round(100 * entry[name]) for name in ("estimate", "low", "high")]
    assert "the best share is {} % ({} to {} %)".format(*share) in TEXT
    even = entry["cost_of_even_split"]
    figures = percents(even["estimate"], even["low"], even["high"])
    assert "is open: {} % ({} to {} %)".format(*figures) in TEXT
    assert entry["verdict"] == "inconclusive"


def test_the_widths_of_intervals() -> None:
    table = (ROOT / "benchmarks" / "blocked_design.md").read_text("utf-8")
    rows = [line.split("|") for line in table.splitlines() if "| blocked |" in line]
    ratios = [[re.search(r"\(([\d.]+)\) $", cell) for cell in row] for row in rows]
    digits, deep = ([float(r[1]) for r in row if r] for row in ratios)
    assert f"are {digits[0]} and {round(digits[1])} times narrower" in TEXT
    assert min(deep[:2]) > 10
    assert f"known {digits[-1]} and {deep[-1]} times better" in TEXT


def test_the_confirmation_of_digits() -> None:
    found = results("digits/search/confirmation.json")
    pairs, difference = found["searches"], found["searches"]["difference"]
    figures = percents(difference["estimate"], difference["low"], difference["high"])
    p = f"{pairs['p']:.2f}".removeprefix("0")
    assert len(pairs["pairs"]) == 3
    assert "three pairs of searches say: {} % ({} to {} %, p = {})".format(*figures, p) in TEXT
    compared = {row["against"]: row for row in found["comparisons"]}
    for against, form in (
        ("symmetric", "the best of the symmetric search is {} % better ({} to {} %)"),
        ("mirror", "the mirror of the best encoder {} % better ({} to {} %, p = {p} after Holm)"),
        ("reference", "its rates tuned, {} % better ({} to {} %)"),
    ):
        row = compared[against]["difference"]
        figures = percents(-row["estimate"], -row["high"], -row["low"])
        p = f"{compared[against]['p_holm']:.2f}".removeprefix("0")
        assert form.format(*figures, p=p) in TEXT


def test_the_front_of_digits() -> None:
    rows = re.search(r"```\n( +validation .*?)\n```", README, re.DOTALL)
    assert rows is not None
    shown = [line.replace(",", "").split() for line in rows[1].splitlines()[2:]]
    front = results("digits/search/summary.json")["front"][: len(shown)]
    counts = ("encoder_params", "decoder_params", "encoder_macs", "decoder_macs")
    assert [(int(r[0]), float(r[1]), int(r[2]), int(r[3])) for r in shown] == [
        (
            entry["trial"],
            float(f"{entry['values']['val_loss']:.4g}"),
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
    assert len(covered) == 17
    assert "of each of seventeen truths" in TEXT
    assert f"cover the truth in {min(covered)} to {max(covered)} %" in TEXT
    wrong = max(float(row[11].rstrip("%")) for row in whole)
    assert f"a wrong side is claimed in at most {wrong} %" in TEXT
    of_share = {row[1]: float(row[4].rstrip("%")) for row in whole if row[4] != "–"}
    assert min(of_share, key=lambda name: of_share[name]) == "kink at the optimum"

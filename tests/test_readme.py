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


def test_the_sweep_of_the_deep_generator() -> None:
    small, large = results("deep_generator/summary.json")["decoder_share"]
    shares = f"{small['estimate']:.2f} and {large['estimate']:.2f}"
    costs = [e.get("cost_of_even_split", e.get("cost_of_symmetry")) for e in (small, large)]
    cost = " and ".join(percents(*(c["estimate"] for c in costs)))
    assert f"the best decoder share at {shares}, and an even split at {cost} % more loss" in TEXT


def test_the_rates_of_the_sweep_of_digits() -> None:
    sweep = results("digits/sweep/summary.json")
    edge = sweep.get("edge_rates", sweep.get("learning_rates_at_the_edge"))
    assert edge > 0.9
    assert "nearly all of its best learning rates lie at the upper end" in TEXT


def test_the_calibration() -> None:
    table = (ROOT / "benchmarks" / "calibration.md").read_text("utf-8")
    covered = [
        float(cells[4].strip(" %"))
        for line in table.splitlines()
        if len(cells := line.split("|")) > 5
        and cells[1].strip() in ("additive", "multiplicative")
        and cells[3].strip() == "500"
        and "1 architecture" not in cells[2]
    ]
    assert len(covered) == 6
    assert f"{min(covered)} to {max(covered)} % of 500 simulated sweeps" in TEXT

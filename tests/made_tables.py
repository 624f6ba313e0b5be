"""Made trial tables: a search as it looks when it went well, and every way it can hold little."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from asymnas.core.columns import COLUMNS

RUNGS = (20_000, 40_000, 80_000, 120_000)
BUDGET = 150_000


def made_table(trials: int = 60, seed: int = 0) -> pd.DataFrame:
    """A search under 150k parameters: losses fall with both sides' sizes and suit one rate.

    Half of the peers are pruned at every rung, every tenth trial is exempt, every twentieth
    fails, and two repeat an earlier architecture.
    """
    rng = np.random.default_rng(seed)
    rows = [_trial(number, rng) for number in range(trials)]
    for place, rung in enumerate(RUNGS[:-1]):
        seen = [_for_its_size(row, place) for row in rows if len(row["curve"]) > place]
        for row in rows:
            if len(row["curve"]) <= place or row["never_pruned"] or row["state"] == "failed":
                continue
            if _for_its_size(row, place) > np.median(seen):
                row |= {"state": "pruned", "examples": rung, "curve": row["curve"][: place + 1]}
                row["val_loss"] = row["curve"][-1][1]
                row["psnr"] = float("nan")
    done = [row for row in rows if row["state"] == "complete"]
    for row, original in zip(done[-2:], done[:2], strict=True):
        kept = {key: row[key] for key in row if key == "trial" or key.startswith("drawn.")}
        row |= {**original, **kept, "duplicate_of": original["trial"], "seconds": 0.0}
    return as_table(rows)


def as_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows as a trial table, with all its columns even when there are no rows."""
    table = pd.DataFrame(rows, columns=None if rows else list(COLUMNS))
    return table.astype({"duplicate_of": "Int64"})


def _for_its_size(row: dict[str, object], place: int) -> float:
    return float(row["curve"][place][1] * row["total_params"] ** 0.4)


def _trial(number: int, rng: np.random.Generator) -> dict[str, object]:
    widths = rng.uniform(0, 1, 2)
    sides = np.exp(np.log(1_500) + widths * np.log(90))
    sides *= min(1, BUDGET / sides.sum())
    encoder, decoder = (int(size) for size in sides)
    rate = float(np.exp(rng.uniform(np.log(1e-3), np.log(8e-3))))
    upsampling = str(rng.choice(["transposed", "resize", "pixel_shuffle"]))
    final = 0.007 + 0.35 * encoder**-0.45 + 0.55 * decoder**-0.45
    final *= 1 + 0.25 * np.log(rate / 3e-3) ** 2 + 0.1 * (upsampling == "resize")
    final *= float(np.exp(rng.normal(0, 0.05)))
    slow = rng.normal(1, 0.15, len(RUNGS)).clip(0.5)
    curve = [
        [rung, float(final * (1 + lag * 0.9 * (RUNGS[-1] / rung - 1) ** 0.6))]
        for rung, lag in zip(RUNGS, slow, strict=True)
    ]
    failed = number % 20 == 13
    return {
        "trial": number,
        "state": "failed" if failed else "complete",
        "duplicate_of": pd.NA,
        "never_pruned": number % 10 == 0,
        "failure": "loss is not finite <at step 12> & stopped" if failed else "",
        "val_loss": float("nan") if failed else curve[-1][1],
        "total_params": encoder + decoder,
        "encoder_params": encoder,
        "decoder_params": decoder,
        "shared_params": 0,
        "decoder_share": decoder / (encoder + decoder),
        "total_macs": 40 * encoder + 55 * decoder,
        "encoder_macs": 40 * encoder,
        "decoder_macs": 55 * decoder,
        "encoder_dense_fraction": 0.4,
        "decoder_dense_fraction": 0.5,
        "encoder_family": "conv2d",
        "decoder_family": "conv2d",
        "learning_rate": rate,
        "rate_ratio": 1.0,
        "examples": RUNGS[-1],
        "seconds": 30.0 + number,
        "curve": [] if failed else curve,
        "architecture": {"encoder_family": "conv2d", "decoder_family": "conv2d"},
        "psnr": float("nan") if failed else -10 * np.log10(curve[-1][1]),
        "drawn.encoder_width": float(widths[0]),
        "drawn.decoder_width": float(widths[1]),
        "drawn.encoder_depth": int(rng.integers(1, 4)),
        "drawn.decoder_depth": int(rng.integers(1, 4)),
        "drawn.encoder_kernel": int(rng.choice([3, 5])),
        "drawn.decoder_kernel": int(rng.choice([3, 5])),
        "drawn.encoder_block": str(rng.choice(["plain", "residual"])),
        "drawn.decoder_upsampling": upsampling,
    }


def _all_in(state: str) -> pd.DataFrame:
    table = made_table(12)
    return table[table["state"] == "complete"].assign(state=state, duplicate_of=pd.NA)


def _front_of_one() -> pd.DataFrame:
    table = made_table()
    best = table["val_loss"].idxmin()
    table.loc[best, ["total_params", "encoder_params", "decoder_params"]] = [900, 400, 500]
    table.loc[best, ["state", "duplicate_of"]] = ["complete", pd.NA]
    return table


def _without_losses() -> pd.DataFrame:
    return made_table().assign(val_loss=float("nan"), curve=[[] for _ in range(60)])


def _only(count: int) -> pd.DataFrame:
    table = made_table()
    return table[(table["state"] == "complete") & table["duplicate_of"].isna()].head(count)


#: Tables that hold little, by name.
DEGENERATE: dict[str, Callable[[], pd.DataFrame]] = {
    "no trials": lambda: as_table([]),
    "all pruned": lambda: _all_in("pruned"),
    "all failed": lambda: made_table().query("state == 'failed'"),
    "all running": lambda: _all_in("running"),
    "one complete": lambda: _only(1),
    "two complete": lambda: _only(2),
    "front of one": _front_of_one,
    "no finite loss": _without_losses,
}


@pytest.fixture
def table() -> pd.DataFrame:
    return made_table()


@pytest.fixture(params=list(DEGENERATE))
def degenerate(request: pytest.FixtureRequest) -> pd.DataFrame:
    return DEGENERATE[request.param]()

"""The summary of a run: what `summary.json` holds, and the dashboard's note of it."""

import html
import math
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import pandas as pd

from asymnas.analysis.front import hypervolume, marks, reference_point
from asymnas.analysis.gain import gains_of
from asymnas.analysis.search_share import decoder_share
from asymnas.core import columns as t
from asymnas.core.labels import label, value
from asymnas.core.side_families import family_label
from asymnas.core.terminal import shown
from asymnas.core.text import percent
from asymnas.reporting.answer import SEARCH_SHARE, verdict
from asymnas.reporting.findings import Findings, inference_json
from asymnas.runs.run import Run
from asymnas.runs.study import REFERENCE
from asymnas.training.metrics import METRICS

#: Trials whose gain a summary has.
LAST = 20


def summarise(findings: Findings) -> dict[str, Any]:
    """The summary of the main run, with what the runs in its directory add to the verdict."""
    run = findings.run
    config, own = run.config, run.own
    states = own[t.STATE].value_counts()
    marked = marks(run.front, run.objectives)
    members = [
        {**_entry(row, run), "marks": list(marked.get(int(row[t.TRIAL]), ()))}
        for _, row in run.front.iterrows()
    ]
    caps = {
        "total_params": config["budget"],
        "encoder_params": config["max_encoder_params"],
        "decoder_params": config["max_decoder_params"],
        "macs": config["max_macs"],
    }
    summary = {
        "asymnas": version("asymnas"),
        "purpose": run.study.purpose,
        "study": config["name"],
        "dataset": config["dataset"],
        "family": family_label(config[t.ENCODER_FAMILY], config[t.DECODER_FAMILY]),
        **{name: config[name] for name in (t.ENCODER_FAMILY, t.DECODER_FAMILY)},
        **{name: config[name] for name in ("kind", "objectives", "seed")},
        "budget": {name: cap for name, cap in caps.items() if cap is not None},
        "latent": config["latent"],
        "bottleneck": config["bottleneck"],
        "trials": {
            **{s: int(states.get(s, 0)) for s in ("complete", "pruned", "failed")},
            "duplicate": len(run.table) - len(own),
            "unfinished": int(states.get("running", 0)),
            "learned_nothing": _learned_nothing(run),
        },
        "examples_seen": int(own[t.EXAMPLES].sum()),
        "wall_seconds": round(run.study.wall_seconds, 1),
        **_hypervolume(run),
        "last_gain": _last_gain(run),
        "front": members,
        "best": members[0] if members else None,
        "left_out": list(run.left_out),
        **_share(findings),
    }
    return {**summary, "verdict": verdict(findings, summary)}


def _learned_nothing(run: Run) -> int:
    """Complete trials that are no better than predicting the mean, where its loss is known."""
    mean = run.study.design.get(REFERENCE, {}).get(t.VAL_LOSS)
    if mean is None or t.VAL_LOSS not in run.own:
        return 0
    done = run.own[run.own[t.STATE] == "complete"]
    return int((done[t.VAL_LOSS] >= mean).sum())


def _last_gain(run: Run) -> dict[str, Any] | None:
    """By which part the last trials of a search lowered its loss, or raised its front's volume."""
    if run.study.purpose != "search":
        return None
    gains = gains_of(run.table, run.objectives, run.study.design.get(REFERENCE, {}))
    gained = gains.of_last(LAST)
    if gained is None or gained == math.inf:
        return None
    one = len(run.objectives) == 1
    return {"trials": LAST, "relative": -math.expm1(-gained) if one else math.expm1(gained)}


def _hypervolume(run: Run) -> dict[str, Any]:
    """The volume that the front covers: of logarithms from a fixed point, where there is one."""
    objectives, fixed = run.objectives, run.study.design.get(REFERENCE, {})
    names = [o.name for o in objectives]
    if fixed.keys() >= set(names) and len(run.front) and (run.front[names] > 0).all(axis=None):
        point: Sequence[float] | None = [fixed[name] for name in names]
        scale = "log"
    else:
        point, scale = reference_point(run.table, objectives), "raw"
    volume = hypervolume(run.table, objectives, point, log=scale == "log") if point else None
    return {
        "reference_point": list(point) if point else None,
        "hypervolume": volume,
        "hypervolume_scale": scale,
    }


def _share(findings: Findings) -> dict[str, Any]:
    run = findings.run
    if run.study.purpose == "sweep" and findings.inferred:
        return inference_json(findings.inferred)
    share = decoder_share(run.measured, run.objectives)
    no_interval = {"low": None, "high": None, "level": None}
    searches = [r for name, r in run.runs.items() if name == "search" or name in run.repeats]
    bests = [r.best.decoder_share for r in searches if not r.front.empty]
    return {
        "decoder_share": {
            **share,
            **no_interval,
            "method": SEARCH_SHARE,
            "bests_of_searches": bests if len(bests) > 1 else [],
        }
    }


def _entry(row: "pd.Series[Any]", run: Run) -> dict[str, Any]:
    counts = (t.ENCODER_PARAMS, t.DECODER_PARAMS, t.SHARED_PARAMS, t.ENCODER_MACS, t.DECODER_MACS)
    values = {o.name: float(row[o.name]) for o in run.objectives}
    return {
        "trial": int(row[t.TRIAL]),
        "values": {n: int(v) if n in t.COUNT_COLUMNS else v for n, v in values.items()},
        "metrics": metrics_of(row),
        **{name: int(row[name]) for name in counts},
        t.DECODER_SHARE: float(row[t.DECODER_SHARE]),
        t.LEARNING_RATE: float(row[t.LEARNING_RATE]),
        t.RATE_RATIO: float(row.get(t.RATE_RATIO, 1.0)),
        t.ARCHITECTURE: row[t.ARCHITECTURE],
        **({t.PRESET: row[t.PRESET]} if pd.notna(row.get(t.PRESET)) else {}),
        **({t.SIZED_FROM: int(row[t.SIZED_FROM])} if pd.notna(row.get(t.SIZED_FROM)) else {}),
    }


def metrics_of(row: "pd.Series[Any]") -> dict[str, float]:
    """What a trial was measured by, on the validation split, by name."""
    names = [name for name in METRICS.names() if name in row and pd.notna(row[name])]
    return {name: float(row[name]) for name in names}


def dashboard_note(summary: Mapping[str, Any]) -> str:
    """The result as the dashboard's note."""
    rows = [
        "| trial | | objectives | encoder | decoder | decoder share |",
        "|---|---|---|---|---|---|",
    ]
    for entry in summary["front"]:
        values = ", ".join(f"{label(name)} {value(name, v)}" for name, v in entry["values"].items())
        rows.append(
            f"| {entry['trial']} | {', '.join(entry['marks'])} | {values} | "
            f"{entry['encoder_params']:,} | "
            f"{entry['decoder_params']:,} | {percent(entry['decoder_share'])} |"
        )
    said = map(as_markdown, (summary["study"], *summary["verdict"]))
    study, *verdict = said
    return "\n\n".join([f"## {study}", *verdict, "\n".join(rows)])


def as_markdown(text: str) -> str:
    """Text as one line of Markdown shows it: no HTML, no links, pictures or formulas of its own."""
    return _MARKS.sub(r"\\\g<0>", html.escape(shown(" ".join(text.splitlines())), quote=False))


_MARKS = re.compile(r"[\\`*_\[\]#|~$]")

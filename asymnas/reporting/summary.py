"""The summary of a run: what `summary.json` holds, and what it says in sentences."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import pandas as pd

from asymnas.analysis.front import hypervolume, reference_point
from asymnas.analysis.search_share import decoder_share
from asymnas.core import columns as t
from asymnas.core.text import percent, plural, share_phrase
from asymnas.reporting.figures.style import label, value
from asymnas.reporting.findings import BEST, Findings, inference_json
from asymnas.reporting.verdicts import SEARCH_SHARE
from asymnas.runs.run import Run
from asymnas.training.metrics import METRICS


def summarise(findings: Findings) -> dict[str, Any]:
    """The summary of the main run, with what the runs in its directory add to the verdict."""
    run = findings.run
    config, own, objectives = run.config, run.own, run.objectives
    states = own[t.STATE].value_counts()
    members = [_entry(row, run) for _, row in run.front.iterrows()]
    reference = reference_point(run.table, objectives)
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
        **{name: config[name] for name in ("dataset", "family", "kind", "objectives", "seed")},
        "budget": {name: cap for name, cap in caps.items() if cap is not None},
        "latent": config["latent"],
        "bottleneck": config["bottleneck"],
        "trials": {
            **{s: int(states.get(s, 0)) for s in ("complete", "pruned", "failed")},
            "duplicate": len(run.table) - len(own),
            "unfinished": int(states.get("running", 0)),
        },
        "examples_seen": int(own[t.EXAMPLES].sum()),
        "wall_seconds": round(run.study.wall_seconds, 1),
        "reference_point": list(reference) if reference else None,
        "hypervolume": hypervolume(run.table, objectives) if reference else None,
        "front": members,
        "best": members[0] if members else None,
        "left_out": list(run.left_out),
        **_share(findings),
    }
    return {**summary, "verdict": verdict(findings, summary)}


def _share(findings: Findings) -> dict[str, Any]:
    run = findings.run
    if run.study.purpose == "sweep" and findings.inferred:
        return inference_json(findings.inferred)
    share = decoder_share(run.measured, run.objectives, seed=run.config["seed"])
    return {"decoder_share": {**share, "method": SEARCH_SHARE}}


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
        t.ARCHITECTURE: row[t.ARCHITECTURE],
        **({t.PRESET: row[t.PRESET]} if pd.notna(row.get(t.PRESET)) else {}),
    }


def metrics_of(row: "pd.Series[Any]") -> dict[str, float]:
    """What a trial was measured by, on the validation split, by name."""
    names = [name for name in METRICS.names() if name in row and pd.notna(row[name])]
    return {name: float(row[name]) for name in names}


def verdict(findings: Findings, summary: Mapping[str, Any]) -> list[str]:
    """The answer in sentences, the surest first: inferred, then confirmed, then observed."""
    sentences: list[str] = []
    if findings.inferred:
        sentences += findings.inferred.verdict
    if findings.confirmed:
        if _is_outdated(findings.run):
            sentences.append(
                "The network that was confirmed is no longer the best: confirm anew with --fresh."
            )
        sentences += findings.confirmed.verdict
    if summary["purpose"] == "search":
        if summary["best"]:
            sentences += _discovered(summary, inferred=findings.inferred is not None)
        else:
            sentences.append(_nothing(findings.run))
    return sentences or ["No run has completed yet: there is nothing to report."]


def _is_outdated(run: Run) -> bool:
    """Whether a confirmation is of another network than the search's best."""
    if run.search is None or run.confirmation is None or run.search.front.empty:
        return False
    rows = run.confirmation.measured
    entered = rows[rows[t.CONTENDER] == BEST] if t.CONTENDER in rows else rows.head(0)
    best = run.search.front.iloc[0][t.ARCHITECTURE]
    return len(entered) > 0 and entered.iloc[0][t.ARCHITECTURE] != best


def _discovered(summary: Mapping[str, Any], *, inferred: bool) -> list[str]:
    best, share = summary["best"], summary["decoder_share"]
    quality, reached = next(iter(best["values"].items()))
    total = best["encoder_params"] + best["decoder_params"] + best["shared_params"]
    finished = sum(summary["trials"][state] for state in ("complete", "pruned", "failed"))
    sentences = [
        f"The best of {plural(finished, 'trial')} reaches {quality} {reached:.5g} with "
        f"{total:,} parameters, {share_phrase(best['decoder_share'], best['shared_params'])}."
    ]
    if share["estimate"] is not None and not inferred:
        spread = ""
        if share["low"] is not None:
            spread = f" (95 % bootstrap {percent(share['low'])} to {percent(share['high'])})"
        sentences.append(
            f"Along the front of {len(summary['front'])} the decoder's median share is "
            f"{percent(share['estimate'])}{spread}. This describes what the search found; its "
            "draws are adaptive, so it does not prove where the optimum lies."
        )
    return sentences


def _nothing(search: Run) -> str:
    """Why a search has no best network."""
    failures = search.own[search.own[t.STATE] == "failed"][t.FAILURE]
    if failures.empty:
        return "No trial has completed yet: there is nothing to report."
    return (
        f"No trial has completed; {plural(len(failures), 'trial')} failed, the first for this "
        f"reason: {failures.iloc[0]}."
    )


def dashboard_note(summary: Mapping[str, Any]) -> str:
    """The result as the dashboard's note."""
    rows = ["| trial | objectives | encoder | decoder | decoder share |", "|---|---|---|---|---|"]
    for entry in summary["front"]:
        values = ", ".join(f"{label(name)} {value(name, v)}" for name, v in entry["values"].items())
        rows.append(
            f"| {entry['trial']} | {values} | {entry['encoder_params']:,} | "
            f"{entry['decoder_params']:,} | {percent(entry['decoder_share'])} |"
        )
    return "\n\n".join([f"## {summary['study']}", *summary["verdict"], "\n".join(rows)])

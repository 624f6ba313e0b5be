"""Writing a run's results: summary, trials, the best architecture with its weights, the report."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors.torch import save

from asymnas import table as t
from asymnas.analysis.front import front, hypervolume, reference_point
from asymnas.analysis.importance import importance
from asymnas.analysis.split import decoder_share
from asymnas.architecture import Architecture
from asymnas.checkpoints import load_trained, reconstruction_path, write_whole
from asymnas.errors import StudyError
from asymnas.figures.content import PageContent, Picture, front_rows
from asymnas.figures.curves import curves_panel
from asymnas.figures.drawing import architecture_drawing
from asymnas.figures.front import front_panel
from asymnas.figures.importance import importance_panel
from asymnas.figures.page import render_page
from asymnas.figures.share import share_panel
from asymnas.figures.style import label, percent, plural, value
from asymnas.progress import duration
from asymnas.study import SearchStudy

MOST_PICTURES = 12


def publish(study: SearchStudy, run_dir: Path) -> dict[str, Any]:
    """Writes everything a run directory holds besides the study, and returns the summary.

    Each file is written whole or not at all; what an earlier start wrote is replaced.
    """
    table = study.table()
    summary = summarise(study, table)
    write_whole(run_dir / "trials.csv", _as_csv(table))
    if summary["best"]:
        _write_best(summary["best"], table, run_dir)
    write_whole(run_dir / "summary.json", json.dumps(summary, indent=2) + "\n")
    study.note(_note(summary))
    write_whole(run_dir / "report.html", render_page(_page(study, table, summary, run_dir)))
    return summary


def summarise(study: SearchStudy, table: pd.DataFrame) -> dict[str, Any]:
    """The summary of a run, as `summary.json` holds it."""
    config, objectives = study.config, study.objectives
    own = table[table[t.DUPLICATE_OF].isna()]
    states = own[t.STATE].value_counts()
    members = [_entry(row, study) for _, row in front(table, objectives).iterrows()]
    reference = reference_point(table, objectives)
    caps = {
        "total_params": config["budget"],
        "encoder_params": config["max_encoder_params"],
        "decoder_params": config["max_decoder_params"],
        "macs": config["max_macs"],
    }
    return {
        "asymnas": version("asymnas"),
        "study": config["name"],
        **{name: config[name] for name in ("dataset", "family", "kind", "objectives", "seed")},
        "budget": {name: cap for name, cap in caps.items() if cap is not None},
        "latent": config["latent"],
        "bottleneck": config["bottleneck"],
        "trials": {
            **{s: int(states.get(s, 0)) for s in ("complete", "pruned", "failed")},
            "duplicate": int(table[t.DUPLICATE_OF].notna().sum()),
            "unfinished": int(states.get("running", 0)),
        },
        "examples_seen": int(own[t.EXAMPLES].sum()),
        "wall_seconds": round(study.wall_seconds, 1),
        "reference_point": list(reference) if reference else None,
        "hypervolume": hypervolume(table, objectives) if reference else None,
        "front": members,
        "best": members[0] if members else None,
        "decoder_share": dict(decoder_share(table, objectives, seed=config["seed"])),
    }


def _entry(row: "pd.Series[Any]", study: SearchStudy) -> dict[str, Any]:
    counts = (t.ENCODER_PARAMS, t.DECODER_PARAMS, t.SHARED_PARAMS, t.ENCODER_MACS, t.DECODER_MACS)
    values = {o.name: float(row[o.name]) for o in study.objectives}
    return {
        "trial": int(row[t.TRIAL]),
        "values": {n: int(v) if n in t.COUNT_COLUMNS else v for n, v in values.items()},
        **{name: int(row[name]) for name in counts},
        t.DECODER_SHARE: float(row[t.DECODER_SHARE]),
        t.LEARNING_RATE: float(row[t.LEARNING_RATE]),
        t.ARCHITECTURE: row[t.ARCHITECTURE],
    }


def _as_csv(table: pd.DataFrame) -> str:
    plain = table.copy()
    for column in (t.CURVE, t.ARCHITECTURE):
        plain[column] = [json.dumps(v) if isinstance(v, list | dict) else "" for v in plain[column]]
    text: str = plain.to_csv(index=False)
    return text


def _write_best(entry: Mapping[str, Any], table: pd.DataFrame, run_dir: Path) -> None:
    architecture = Architecture.from_dict(entry["architecture"])
    examples = int(table.set_index(t.TRIAL).loc[entry["trial"], t.EXAMPLES])
    text = json.dumps(architecture.to_dict(), indent=2) + "\n"
    write_whole(run_dir / "best" / "architecture.json", text)
    try:
        weights = load_trained(run_dir, entry["trial"], examples, architecture).state_dict()
    except (
        StudyError
    ):  # trained in another run directory, or removed: none is better than another's
        (run_dir / "best" / "weights.safetensors").unlink(missing_ok=True)
        return
    content = save({name: tensor.contiguous() for name, tensor in weights.items()})
    write_whole(run_dir / "best" / "weights.safetensors", content)


def headline(summary: Mapping[str, Any]) -> list[str]:
    """What a run came to, in sentences."""
    best, share = summary["best"], summary["decoder_share"]
    if not best:
        return ["No trial has completed yet: there is nothing to report."]
    quality, reached = next(iter(best["values"].items()))
    total = best["encoder_params"] + best["decoder_params"] + best["shared_params"]
    sentences = [
        f"The best of {plural(sum(_finished(summary)), 'trial')} reaches {quality} {reached:.5g} "
        f"with {total:,} parameters, {percent(best['decoder_share'])} of them in the decoder."
    ]
    if share["estimate"] is not None:
        spread = ""
        if share["low"] is not None:
            spread = f" (95 % bootstrap {percent(share['low'])} to {percent(share['high'])})"
        sentences.append(
            f"Along the front of {len(summary['front'])} the decoder's median share is "
            f"{percent(share['estimate'])}{spread}. This describes what the search found; its "
            "draws are adaptive, so it does not prove where the optimum lies."
        )
    return sentences


def _note(summary: Mapping[str, Any]) -> str:
    """The result as the dashboard's note."""
    rows = ["| trial | objectives | encoder | decoder | decoder share |", "|---|---|---|---|---|"]
    for entry in summary["front"]:
        values = ", ".join(f"{label(name)} {value(name, v)}" for name, v in entry["values"].items())
        rows.append(
            f"| {entry['trial']} | {values} | {entry['encoder_params']:,} | "
            f"{entry['decoder_params']:,} | {percent(entry['decoder_share'])} |"
        )
    return "\n\n".join([f"## {summary['study']}", *headline(summary), "\n".join(rows)])


def _finished(summary: Mapping[str, Any]) -> list[int]:
    return [summary["trials"][state] for state in ("complete", "pruned", "failed")]


def _page(
    study: SearchStudy, table: pd.DataFrame, summary: Mapping[str, Any], run_dir: Path
) -> PageContent:
    best = summary["best"]
    number = best["trial"] if best else None
    own = table[table[t.DUPLICATE_OF].isna()]
    share = decoder_share(table, study.objectives, seed=summary["seed"])
    drawing = ""
    if best:
        drawing = architecture_drawing(Architecture.from_dict(best["architecture"]).layers())
    return PageContent(
        title=f"{summary['study']}: asymmetric autoencoders under {_budget(summary)}",
        headline=headline(summary),
        facts=_facts(summary),
        notes=_notes(own, summary),
        drawing=drawing,
        drawing_caption=f"The best architecture, trial {number}." if best else "",
        front=front_rows(front(table, study.objectives), study.objectives, number),
        panels=[
            front_panel(own, study.objectives, number),
            share_panel(own, study.objectives, share),
            curves_panel(own, number),
            importance_panel(importance(own, seed=summary["seed"])),
        ],
        pictures=_pictures(summary, run_dir),
        setup={
            **{name: _text(setting) for name, setting in study.config.items()},
            **{name: str(fact) for name, fact in study.setup.items()},
        },
    )


def _budget(summary: Mapping[str, Any]) -> str:
    return f"{summary['budget']['total_params']:,} parameters"


def _facts(summary: Mapping[str, Any]) -> dict[str, str]:
    trials = summary["trials"]
    states = ("complete", "pruned", "failed", "duplicate", "unfinished")
    return {
        "Data set": summary["dataset"],
        "Family and kind": f"{summary['family']}, {summary['kind']}",
        "Latent": f"{summary['latent']} ({summary['bottleneck']})",
        "Budget": ", ".join(
            f"{cap:,} {name.removeprefix('total_').replace('params', 'parameters')}".replace(
                "_", " "
            )
            for name, cap in summary["budget"].items()
        ),
        "Trials": ", ".join(f"{trials[s]} {s}" for s in states if trials[s]) or "none",
        "Training examples seen": f"{summary['examples_seen']:,}",
        "Time": duration(summary["wall_seconds"]),
        "Hypervolume": f"{summary['hypervolume']:.5g}" if summary["hypervolume"] else "–",
    }


def _notes(own: pd.DataFrame, summary: Mapping[str, Any]) -> list[str]:
    notes = []
    if summary["trials"]["unfinished"]:
        notes.append(
            f"{plural(summary['trials']['unfinished'], 'trial')} still unfinished: the same "
            "command, or a larger number of trials, continues."
        )
    failures = own[own[t.STATE] == "failed"][t.FAILURE]
    if len(failures):
        notes.append(f"{plural(len(failures), 'trial')} failed; the first: {failures.iloc[0]}.")
    rates = [entry["learning_rate"] for entry in summary["front"]]
    notes.append(
        "Losses are on the validation split, which the search has chosen by: the test split is "
        "untouched."
    )
    if rates:
        notes.append(f"Learning rates on the front: {min(rates):.2g} to {max(rates):.2g}.")
    return notes


def _pictures(summary: Mapping[str, Any], run_dir: Path) -> list[Picture]:
    pictures = []
    for entry in summary["front"][:MOST_PICTURES]:
        path = reconstruction_path(run_dir, entry["trial"])
        if path.is_file():
            name, reached = next(iter(entry["values"].items()))
            total = entry["encoder_params"] + entry["decoder_params"] + entry["shared_params"]
            caption = f"Trial {entry['trial']}: {total:,} parameters, {name} {reached:.5g}"
            pictures.append(Picture(png=path.read_bytes(), caption=caption))
    return pictures


def _text(setting: Any) -> str:
    if isinstance(setting, list):
        return ", ".join(str(item) for item in setting)
    return (
        f"{setting:,}"
        if isinstance(setting, int) and not isinstance(setting, bool)
        else str(setting)
    )

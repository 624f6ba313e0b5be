"""Makes the tables of OptunaHub's package `asymmetric_autoencoders` from runs of `candidates.py`.

    python studies/candidate_table.py candidates_digits --minutes 55

trains the next chunk, as `studies/run.py` does, and writes what there is by then: one Parquet file
per data set, `croissant.json` with its checksum, and the card. Without `--minutes` nothing is
trained, and the files are the same again.
"""

import argparse
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import optuna
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from candidates import CANDIDATES, METRICS, draw_candidate, plan_candidates
from run import RESULTS, RUNS, chunk, unpack

import optunahub
from asymnas.core import columns as t
from asymnas.core.errors import StudyError
from asymnas.runs.study import read_study
from asymnas.runs.trials import CPU_SECONDS, RUNG_OBJECTIVES
from asymnas.space.filling import suggest_filled
from asymnas.space.space import Space
from asymnas.training.rung import rung_steps

REGISTRY = Path(__file__).parents[1] / "optunahub" / "package"
NAME = "benchmarks/asymmetric_autoencoders"
PACKAGE = REGISTRY / NAME
PUBLISHED = "2026-11-27"
VERSION = "0.1.0"
LICENSE = "https://creativecommons.org/licenses/by/4.0/"
COUNTS = (
    t.TOTAL_PARAMS,
    t.ENCODER_PARAMS,
    t.DECODER_PARAMS,
    t.TOTAL_MACS,
    t.ENCODER_MACS,
    t.DECODER_MACS,
)
SET_UP = ("python", "torch", "numpy", "processor")
#: What each column holds; those of the search space are described by the space.
COLUMNS = {
    "candidate": "number of the candidate, in the order of the draws",
    "seed": "0, 1 or 2: fixes initial weights and batches, the same for all candidates",
    "examples": "training examples seen at the end of this rung",
    "val_loss": "mean squared error on the validation split, the objective of the training; "
    "missing where the candidate failed",
    "mae": "mean absolute error on the validation split",
    "psnr": "peak signal-to-noise ratio on the validation split, mean over examples, dB",
    "cpu_seconds": "processor time of this rung alone, training and scoring, one thread, s",
    "failure": "why the candidate failed at this rung; empty if it did not",
    "total_params": "trainable parameters",
    "encoder_params": "parameters of the encoder",
    "decoder_params": "parameters of the decoder",
    "total_macs": "multiply-accumulates to encode and decode one example",
    "encoder_macs": "multiply-accumulates to encode one example",
    "decoder_macs": "multiply-accumulates to decode one example",
    "architecture": "both sides, as JSON: `asymnas.Architecture.from_dict` builds it",
}
TYPES = {"i": "sc:Integer", "f": "sc:Float"}


def table_rows(trials: pd.DataFrame, space: Space, seed: int, rungs: Sequence[int]) -> pd.DataFrame:
    """Finished runs as one row per rung.

    Args:
        trials: The trial table.
        space: What the candidates were drawn from.
        seed: The study's.
        rungs: Training examples at the end of each rung.

    Raises:
        StudyError: A candidate is not the one that this version draws.
    """
    rows: list[dict[str, Any]] = []
    for trial in trials[trials[t.STATE].isin(["complete", "failed"])].to_dict("records"):
        number = int(trial[t.CLUSTER])
        candidate, drawn = draw_candidate(space, seed, number)
        architecture = json.dumps(candidate.architecture.to_dict())
        if json.loads(architecture) != json.loads(json.dumps(trial[t.ARCHITECTURE])):
            raise StudyError(f"candidate {number} is drawn otherwise by this version: start anew")
        known = {
            "candidate": number,
            "seed": int(trial[t.REPLICATE]),
            **drawn,
            **{name: int(trial[name]) for name in COUNTS},
            "architecture": architecture,
        }
        rows += [{**known, **rung} for rung in _rungs(trial, rungs)]
    first = ["candidate", "seed", "examples", "val_loss", *METRICS, CPU_SECONDS, "failure"]
    table = pd.DataFrame(rows)
    return table[[*first, *(name for name in table if name not in first)]]


def _rungs(trial: Mapping[str, Any], rungs: Sequence[int]) -> Iterator[dict[str, Any]]:
    """What each rung of a run came to; the one at which it failed has no losses."""
    curve, measured = trial[t.CURVE], trial[RUNG_OBJECTIVES]
    for i, seconds in enumerate(measured[CPU_SECONDS]):
        failed = i == len(curve)
        losses = dict.fromkeys(("val_loss", *METRICS), math.nan)
        if not failed:
            losses = {"val_loss": curve[i][1], **{name: measured[name][i] for name in METRICS}}
        yield {
            "examples": rungs[i],
            **losses,
            CPU_SECONDS: round(seconds, 4),
            "failure": trial[t.FAILURE] if failed else "",
        }


def search_space(space: Space, drawn: Mapping[str, Any]) -> dict[str, str]:
    """Optuna's distribution of each draw, as JSON."""
    trial = optuna.trial.FixedTrial(dict(drawn))
    suggest_filled(space, trial)
    return {
        name: optuna.distributions.distribution_to_json(distribution)
        for name, distribution in trial.distributions.items()
    }


def write_table(
    name: str, *, runs: Path = RUNS, results: Path = RESULTS, to: Path = PACKAGE
) -> Path:
    """Writes the Parquet file of a table from its committed runs; where it is."""
    run_dir = (runs / name).absolute()
    unpack(results / name, run_dir)
    plan = plan_candidates(name, run_dir, None)
    study = read_study(f"sqlite:///{run_dir / 'study.db'}")
    config = plan.config
    steps = rung_steps(config.examples or 0, config.batch_size)
    rungs = [step * config.batch_size for step in steps]
    table = table_rows(study.table(), plan.space, config.seed, rungs)
    dataset = name.removeprefix("candidates_")
    about = {
        "dataset": config.dataset,
        "encoder_family": config.encoder_family,
        "decoder_family": config.decoder_family,
        "latent": config.latent,
        "kind": config.kind,
        "budget": config.budget,
        "batch_size": config.batch_size,
        "study_seed": config.seed,
        "precision": config.precision,
        "set_up": {key: study.setup[key] for key in SET_UP},
    }
    _, drawn = draw_candidate(plan.space, config.seed, 0)
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(
        {"about": json.dumps(about), "search_space": json.dumps(search_space(plan.space, drawn))}
    )
    path = to / f"{dataset}.parquet"
    pq.write_table(arrow, path, compression="zstd")
    return path


def croissant(folder: Path) -> dict[str, Any]:
    """The description of all tables in a folder, of the Croissant format 1.0 (JSON-LD)."""
    files = sorted(folder.glob("*.parquet"))
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "asymmetric-autoencoders",
        "description": "Autoencoders whose encoder and decoder were drawn independently at random "
        "under one budget of parameters, with their learning curves.",
        "license": LICENSE,
        "url": f"https://hub.optuna.org/{NAME}/",
        "creator": {"@type": "sc:Organization", "name": "The asymnas developers"},
        "citeAs": "The asymnas developers. Asymmetric autoencoders: a tabular benchmark. 2026.",
        "datePublished": PUBLISHED,
        "version": VERSION,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": file.name,
                "name": file.name,
                "contentUrl": file.name,
                "contentSize": f"{file.stat().st_size} B",
                "encodingFormat": "application/x-parquet",
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
            for file in files
        ],
        "recordSet": [_record_set(file) for file in files],
    }


def _record_set(file: Path) -> dict[str, Any]:
    name, table = file.stem, pq.read_table(file).to_pandas()
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": "One row per candidate, seed and rung.",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{column}",
                "name": column,
                "description": COLUMNS.get(column, "a parameter of the search space"),
                "dataType": TYPES.get(table[column].dtype.kind, "sc:Text"),
                "source": {"fileObject": {"@id": file.name}, "extract": {"column": column}},
            }
            for column in table
        ],
    }


#: As the specification of Croissant 1.0 has it.
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "equivalentProperty": "cr:equivalentProperty",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def load_package() -> ModuleType:
    """The package, as OptunaHub loads it."""
    module: ModuleType = optunahub.load_local_module(NAME, registry_root=str(REGISTRY))
    return module


def main() -> None:
    """The command."""
    from candidate_card import card

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=CANDIDATES)
    parser.add_argument("--minutes", type=float, help="how long to train first; nothing without")
    parser.add_argument("--workers", type=int, help="networks trained at once")
    given = parser.parse_args()
    if given.minutes is not None:
        chunk(given.name, given.minutes, given.workers)
    path = write_table(given.name)
    text = json.dumps(croissant(PACKAGE), indent=2) + "\n"
    (PACKAGE / "croissant.json").write_text(text, "utf-8")
    tables = [load_package().Table(file.stem) for file in sorted(PACKAGE.glob("*.parquet"))]
    (PACKAGE / "DATASET.md").write_text(card(tables), "utf-8")
    print(f"{path}: {len(tables)} tables, {path.stat().st_size:,} bytes; commit {PACKAGE}")


if __name__ == "__main__":
    main()

"""The best architecture of a run under caps, wherever the run is given from."""

from pathlib import Path
from typing import Any

from asymnas.analysis.front import Preference, select
from asymnas.runs.run import Run, TrainedArchitecture
from asymnas.runs.study import SearchStudy, read_study


def find_best_architecture(
    source: Any,
    study_name: str | None = None,
    *,
    prefer: Preference = "loss",
    max_params: int | None = None,
    max_encoder_params: int | None = None,
    max_decoder_params: int | None = None,
    max_macs: int | None = None,
) -> TrainedArchitecture:
    """The best architecture of a run under caps.

    Args:
        source: A run directory, a `Run`, an Optuna study, or a storage URL.
        study_name: The study's name, for a storage URL that holds several.
        prefer: `loss` for the lowest first objective; `knee` for the best compromise; `smallest`
            for the fewest parameters within 1 % of the best first objective.
        max_params: Cap on all parameters.
        max_encoder_params: Cap on the encoder's parameters.
        max_decoder_params: Cap on the decoder's parameters.
        max_macs: Cap on the MACs of encoding and decoding one example.

    Raises:
        StudyError: No such run, or none of its trials has completed.
        ConfigError: No completed trial is within the caps.
    """
    run = as_run(source, study_name)
    row = select(
        run.table,
        run.objectives,
        prefer,
        max_params=max_params,
        max_encoder_params=max_encoder_params,
        max_decoder_params=max_decoder_params,
        max_macs=max_macs,
    )
    return run.trained(row)


def as_run(source: Any, study_name: str | None = None) -> Run:
    """A run, wherever it is given from.

    Args:
        source: A run directory, a `Run`, an Optuna study, or a storage URL.
        study_name: The study's name, for a storage URL that holds several.

    Raises:
        StudyError: No such run.
    """
    if isinstance(source, Run):
        return source
    if isinstance(source, str) and "://" in source:
        study = read_study(source, study_name)
    elif isinstance(source, str | Path):
        return Run.open(source)
    else:
        study = SearchStudy(source)
    return Run(study, Path(study.config["run_dir"]))

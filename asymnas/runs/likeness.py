"""What two runs have in common, by their configurations and by the fingerprints of their data."""

from collections.abc import Mapping
from typing import Any

from asymnas.core.config import StudyConfig
from asymnas.data.fingerprint import changes, changes_of_whole
from asymnas.data.spec import same_source
from asymnas.runs.study import SearchStudy

#: Settings that a sweep must share with a search to answer for it.
PROBLEM_SETTINGS = (
    "dataset",
    "image_size",
    "encoder_family",
    "decoder_family",
    "kind",
    "latent",
    "bottleneck",
)

#: Settings that tell searches of one problem apart in nothing but where they ran and what they were
#: called; `family` is in those of the sides.
_CIRCUMSTANCES = (
    *("name", "run_dir", "storage", "data_root", "download", "workers", "device", "metrics"),
    *("dataset", "image_size", "seed", "split_seed", "family"),
)


def other_problem(sweep: SearchStudy, search: SearchStudy) -> str:
    """How the problem of a sweep differs from a search's, in words; empty if it does not."""
    there, here = sweep.config, search.config
    unlike = [
        f"{name} {there[name]} there, {here[name]} here"
        for name in PROBLEM_SETTINGS
        if there[name] != here[name]
        and not (name == "dataset" and same_source(there[name], here[name]))
    ]
    if not unlike:
        unlike = _changes(search, sweep)
    return ", ".join(unlike)


def data_differences(first: SearchStudy, second: SearchStudy) -> list[str]:
    """How the data of two runs differ, one phrase per difference; empty if they are the same.

    Data that are split otherwise are the same data.
    """
    one, other = (str(study.config["dataset"]) for study in (first, second))
    comparable = first.data and second.data and same_splits(first, second)
    if not comparable and not same_source(one, other):
        return [f"{one} and {other}"]
    return _changes(first, second)


def same_splits(first: SearchStudy, second: SearchStudy) -> bool:
    """Whether two runs of the same data have the same examples in every split."""
    return split_seed(first) == split_seed(second) and _rule(first) == _rule(second)


def split_seed(study: SearchStudy) -> int:
    """What fixes the splits of a run's data."""
    return StudyConfig.from_dict(study.config).data().seed


def settings_of(study: SearchStudy) -> Mapping[str, Any]:
    """What a run was asked for besides its data, its seed, and where it ran.

    Options that the version which made it did not have are at their defaults.
    """
    config = StudyConfig.from_dict(study.config).to_dict()
    kept = {name: value for name, value in config.items() if name not in _CIRCUMSTANCES}
    return {**kept, "enqueue": kept["enqueue"] or []}


def _changes(before: SearchStudy, now: SearchStudy) -> list[str]:
    if not before.data or not now.data:  # of asymnas 0.1 there is none
        return []
    unlike = changes_of_whole(before.data, now.data)
    if not unlike and same_splits(before, now):
        unlike = changes(before.data, now.data)
    return unlike


def _rule(study: SearchStudy) -> int | None:
    """The version of the rule that assigns examples to splits; `None` of asymnas 0.1."""
    return study.data["rule"] if study.data else None

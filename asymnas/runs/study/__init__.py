"""The bridge to Optuna: storage, samplers, curves, the trial table.

Trials live in an ordinary Optuna study that any Optuna tool opens. What Optuna has no place for is
in public user attributes: the realised architecture, its counts, the curve, why a trial failed.
Values are stored in their natural direction.
"""

from asymnas.runs.study.bridge import REFERENCE, Purpose, SearchStudy
from asymnas.runs.study.callbacks import Callback, checked_callbacks
from asymnas.runs.study.draft import Draft
from asymnas.runs.study.fixed import ask_fixed, candidate_of
from asymnas.runs.study.lease import Lease, lease_of
from asymnas.runs.study.objectives import resolve_objectives
from asymnas.runs.study.opening import StudyPlan, check_data, open_study, read_study
from asymnas.runs.study.rows import METRICS_ATTRIBUTE
from asymnas.runs.study.samplers import FIXED, LEARNING, SAMPLERS
from asymnas.runs.study.storage import writable

__all__ = [
    "FIXED",
    "METRICS_ATTRIBUTE",
    "REFERENCE",
    "LEARNING",
    "SAMPLERS",
    "Callback",
    "Draft",
    "Lease",
    "Purpose",
    "SearchStudy",
    "StudyPlan",
    "ask_fixed",
    "candidate_of",
    "check_data",
    "checked_callbacks",
    "lease_of",
    "open_study",
    "read_study",
    "resolve_objectives",
    "writable",
]

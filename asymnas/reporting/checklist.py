"""The practices a study of architecture search is held to, each judged from what was run."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from asymnas.core import columns as t
from asymnas.core.text import duration, joined, percent, plural, tenths
from asymnas.reporting.content import STATUSES, Practice, Status
from asymnas.reporting.cost import costs
from asymnas.reporting.findings import Findings
from asymnas.runs.run import Run
from asymnas.runs.study import SAMPLERS

#: What runs that are compared must share for their losses to mean the same.
PROTOCOL = ("dataset", "seed", "image_size", "kind", "examples", "batch_size", "precision")

ENOUGH_SEEDS = 6  # with fewer pairs no signed-rank test is below 5 %

Answer = tuple[Status, str]


def practices(findings: Findings) -> list[Practice]:
    """Each practice with how far the run keeps it, in the order of the paper."""
    return [Practice(name, *answer(findings)) for name, answer in PRACTICES.items()]


def tally(practices: Sequence[Practice]) -> str:
    """A checklist in a sentence: `9 of 12 kept, 2 partly, 1 not; 2 do not apply.`"""
    counts: Mapping[str, int] = {
        status: sum(practice.status == status for practice in practices) for status in STATUSES
    }
    rest = counts["not applicable"]
    parts = [f"{counts['yes']} of {len(practices) - rest} kept"]
    parts += [f"{counts['partly']} partly"] if counts["partly"] else []
    parts += [f"{counts['no']} not"] if counts["no"] else []
    apart = f"; {rest} {'does' if rest == 1 else 'do'} not apply" if rest else ""
    return f"{', '.join(parts)}{apart}."


def _code(findings: Findings) -> Answer:
    setup = findings.run.study.setup
    revision, version = setup.get("revision"), setup.get("asymnas")
    if revision and _is_dirty(findings):
        return "partly", f"The code had uncommitted changes when it ran (revision {revision})."
    if revision:
        return "yes", f"The training code is in the package, at revision {revision}."
    if version:
        return "yes", f"The training code is in the package, version {version}."
    return "no", "Neither the version nor the revision of the code was recorded."


def _method(findings: Findings) -> Answer:
    search = findings.run.search
    if search is not None and search.config["sampler"] not in SAMPLERS:
        return "partly", (
            f"The sampler ({search.config['sampler']}) was given by the caller and is not part of "
            "the package."
        )
    status, evidence = _code(findings)
    if status != "yes":
        return status, evidence
    names = joined([_NOUNS.get(name, name) for name in findings.run.runs])
    return "yes", f"The {names} and the analysis on this page are in the same package."


def _now(findings: Findings) -> Answer:
    setup = findings.run.study.setup
    if _is_dirty(findings):
        return "no", "Commit the changes and run again: what ran is in no revision."
    if setup.get("revision") or setup.get("asymnas"):
        return "yes", "What ran is a recorded state of the package, without local changes."
    return "no", "It is not recorded which state of the package ran."


def _is_dirty(findings: Findings) -> bool:
    return str(findings.run.study.setup.get("revision", "")).endswith("-dirty")


def _benchmark(findings: Findings) -> Answer:
    config = findings.run.config
    settings = (
        f"{config['dataset']}, split seed {config['seed']}, {config['examples']:,} examples, "
        f"batches of {config['batch_size']}"
    )
    if ":" in config["dataset"]:
        return "partly", f"The settings are below ({settings}); the data are files of your own."
    return "yes", f"Data, splits, space and training follow from the settings below: {settings}."


def _ablations(findings: Findings) -> Answer:
    sweep, control = findings.run.sweep, findings.run.control
    if sweep is not None:
        done = _complete(sweep)
        shares = done[t.TARGET_SHARE].nunique() if t.TARGET_SHARE in done else 0
        if shares > 1:
            return "yes", (
                f"{shares} decoder shares are compared at equal totals, all other choices being "
                "drawn alike at every share; the importance of each choice is given."
            )
    if control is not None and (trials := len(_complete(control))):
        return "partly", (
            "The search is repeated with symmetric architectures only "
            f"({plural(trials, 'completed trial')})."
        )
    return "no", "Run a sweep, which varies the share alone, or a confirmation with its controls."


def _protocol(findings: Findings) -> Answer:
    runs = findings.run.runs
    done = {name: _complete(run) for name, run in runs.items()}
    if not any(len(rows) for rows in done.values()):
        return "not applicable", "Nothing has completed, so nothing is compared."
    differing = [
        name for name in PROTOCOL if len({str(run.config.get(name)) for run in runs.values()}) > 1
    ]
    if differing:
        return "partly", f"The runs on this page differ in {joined(differing)}."
    uneven = [name for name, rows in done.items() if rows[t.EXAMPLES].nunique() > 1]
    if uneven:
        return "partly", (
            f"Completed trials of the {joined(uneven)} saw different numbers of examples."
        )
    seen = {int(rows[t.EXAMPLES].iloc[0]) for rows in done.values() if len(rows)}
    return "yes", (
        "All completed trials saw the same data, "
        f"{' or '.join(f'{examples:,}' for examples in sorted(seen))} examples each, in the same "
        "arithmetic, by the same schedule."
    )


def _over_time(findings: Findings) -> Answer:
    done = [curve for run in findings.run.runs.values() for curve in _complete(run)[t.CURVE]]
    rungs = max((len(curve) for curve in done if isinstance(curve, list)), default=0)
    if rungs > 1:
        return "yes", (
            f"Losses are shown at up to {plural(rungs, 'point')} of training, and the cost of each "
            "phase in MACs."
        )
    return (
        "partly",
        "Losses are known at the end of training only; the cost of each phase is given.",
    )


def _random(findings: Findings) -> Answer:
    search = findings.run.search
    if search is None:
        return "not applicable", "Nothing is claimed for a sampler: the design is fixed."
    sampler = search.config["sampler"]
    if sampler in ("random", "qmc"):
        return "yes", f"The search itself samples at random ({sampler})."
    return "no", (
        f"The sampler is {sampler}; compare with the same command and --sampler random in another "
        "--run-dir."
    )


def _repeated(findings: Findings) -> Answer:
    if findings.confirmed and findings.confirmed.contenders:
        seeds = min(len(c.scores) for c in findings.confirmed.contenders)
        status: Status = "yes" if seeds >= ENOUGH_SEEDS else "partly" if seeds else "no"
        return status, f"Contenders are retrained from scratch with {plural(seeds, 'fresh seed')}."
    if findings.run.sweep is not None and len(done := _complete(findings.run.sweep)):
        seeds = int(done.groupby(t.CLUSTER).size().min())
        return ("yes" if seeds > 1 else "partly"), (
            f"Every architecture of the sweep has {plural(seeds, 'finished seed')} or more."
        )
    return "no", "Each architecture is trained once: python -m asymnas.confirm retrains the best."


def _confounders(findings: Findings) -> Answer:
    config, sweep = findings.run.config, findings.run.sweep
    shared = f"Latent size ({config['latent']}), examples, batch size and splits are equal for all"
    if sweep is None:
        return "partly", (
            f"{shared}; learning rates are searched, and unused budget is not controlled."
        )
    done = _complete(sweep)
    if done.empty:
        return "partly", f"{shared}; no run of the sweep has completed."
    off = (done[t.TOTAL_PARAMS] / done[t.BUDGET] - 1).abs().max()
    edge = findings.inferred.edge if findings.inferred else None
    if edge is None:
        return "partly", f"{shared}; totals are within {tenths(off)} of their budgets; " + (
            "the learning rate is not tuned for each architecture."
        )
    narrow = findings.inferred is not None and findings.inferred.rates_too_narrow
    return ("partly" if narrow else "yes"), (
        f"{shared}; totals are within {tenths(off)} of their budgets, and the learning rate is "
        f"tuned for each architecture ({percent(edge)} of them at the edge of its range)."
    )


def _tuning(findings: Findings) -> Answer:
    rates = findings.run.own[t.LEARNING_RATE].dropna()
    if rates.empty:
        return "no", "No trial has a learning rate yet."
    tried = plural(int(rates.nunique()), "learning rate")
    return "yes", (
        f"{tried} from {rates.min():.2g} to {rates.max():.2g} tried, at the cost in the table "
        "above; batch size, schedule and weight decay are as in the set-up."
    )


def _end_to_end(findings: Findings) -> Answer:
    entries = costs(findings.run)
    untimed = sum(
        int((run.own[t.SECONDS].isna() & run.own[t.STATE].ne("running")).sum())
        for run in findings.run.runs.values()
    )
    seconds = sum(entry.seconds for entry in entries)
    evidence = (
        f"{duration(seconds)} of worker time in {plural(sum(e.runs for e in entries), 'run')}, "
        "failed and pruned ones included"
    )
    if untimed:
        return "partly", f"{evidence}; the time of {plural(untimed, 'run')} is not recorded."
    return "yes", f"{evidence}."


def _details(findings: Findings) -> Answer:
    lacking = [fact for fact in ("python", "torch", "processor") if fact not in _setup(findings)]
    if lacking:
        return "partly", f"Settings and seed are below; not recorded: {joined(lacking)}."
    unfinished = int((findings.run.own[t.STATE] == "running").sum())
    if unfinished:
        return "partly", f"The set-up is below, but {plural(unfinished, 'trial')} still unfinished."
    return "yes", "Settings, seed, versions and hardware are below; every trial is in trials.csv."


def _setup(findings: Findings) -> Mapping[str, object]:
    return findings.run.study.setup


def _complete(run: Run) -> pd.DataFrame:
    return run.measured[run.measured[t.STATE] == "complete"]


_NOUNS = {
    "search": "search",
    "control": "symmetric search",
    "sweep": "sweep",
    "confirmation": "confirmation",
}

#: Lindauer and Hutter, "Best Practices for Scientific Research on Neural Architecture Search",
#: JMLR 21 (243), 2020, in their order and nearly in their words. Their fourteenth, the use of
#: tabular benchmarks, is left out: every run here trains.
PRACTICES: Mapping[str, Callable[[Findings], Answer]] = {
    "Release code for the training pipeline": _code,
    "Release code for the search method": _method,
    "Release it now, not once it is cleaned up": _now,
    "Use the same benchmark, not just the same data set": _benchmark,
    "Run ablation studies": _ablations,
    "Use the same evaluation protocol for all that is compared": _protocol,
    "Evaluate performance as a function of compute": _over_time,
    "Compare against random sampling and random search": _random,
    "Validate the results several times": _repeated,
    "Control confounding factors": _confounders,
    "Report the use of hyperparameter optimisation": _tuning,
    "Report the time of the entire method, end to end": _end_to_end,
    "Report all the details of the set-up": _details,
}

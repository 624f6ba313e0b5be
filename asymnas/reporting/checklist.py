"""The practices a study of architecture search is held to, and how far a run keeps them."""

from collections.abc import Callable, Mapping, Sequence

from asymnas.core import columns as t
from asymnas.core.text import duration, percent, plural
from asymnas.reporting.content import STATUSES, Practice, Status
from asymnas.reporting.cost import costs
from asymnas.reporting.findings import Findings

#: The fourteen of Lindauer and Hutter, "Best Practices for Scientific Research on Neural
#: Architecture Search", JMLR 21 (243), 2020, in their order and nearly in their words.
PRACTICES = (
    "Release code for the training pipeline",
    "Release code for the search method",
    "Release it now, not once it is cleaned up",
    "Use the same benchmark, not just the same data set",
    "Run ablation studies",
    "Use the same evaluation protocol for all that is compared",
    "Evaluate performance as a function of compute",
    "Compare against random sampling and random search",
    "Validate the results several times",
    "Use tabular or surrogate benchmarks if possible",
    "Control confounding factors",
    "Report the use of hyperparameter optimisation",
    "Report the time of the entire method, end to end",
    "Report all the details of the set-up",
)


def tally(practices: Sequence[Practice]) -> str:
    """What a checklist comes to, in a sentence: `9 of 12 kept, 2 partly, 1 not; 2 do not apply.`"""
    counts: Mapping[str, int] = {
        status: sum(practice.status == status for practice in practices) for status in STATUSES
    }
    apply = len(practices) - counts["not applicable"]
    told = [f"{counts['yes']} of {apply} kept"]
    told += [f"{counts['partly']} partly"] if counts["partly"] else []
    told += [f"{counts['no']} not"] if counts["no"] else []
    rest = counts["not applicable"]
    return ", ".join(told) + (
        f"; {rest} {'does' if rest == 1 else 'do'} not apply." if rest else "."
    )


Answer = tuple[Status, str]


def practices(findings: Findings) -> list[Practice]:
    """Each practice with how far the run keeps it, in the order of the paper."""
    return [
        Practice(name, *answer(findings)) for name, answer in zip(PRACTICES, ANSWERS, strict=True)
    ]


def _code(findings: Findings) -> Answer:
    revision = findings.run.study.setup.get("revision")
    if revision:
        return "yes", f"The training code is in the package, at revision {revision}."
    version = findings.run.study.setup.get("asymnas", "unknown")
    return "yes", f"The training code is in the package, version {version}."


def _method(findings: Findings) -> Answer:
    return "yes", (
        "Search, sweep, confirmation and every analysis on this page are in the same package."
    )


def _now(findings: Findings) -> Answer:
    return "yes", "What made this page is what is released."


def _benchmark(findings: Findings) -> Answer:
    config = findings.run.config
    return "yes", (
        f"Data, splits, space and training follow from the settings below: {config['dataset']}, "
        f"split seed {config['seed']}, {config['examples']:,} examples, batches of "
        f"{config['batch_size']}."
    )


def _ablations(findings: Findings) -> Answer:
    sweep, control = findings.run.sweep, findings.run.control
    if sweep is not None:
        return "yes", (
            "The share is varied at equal totals, all other choices being drawn alike at every "
            "share and adjusted for; the importance of each choice is given."
        )
    if control is not None:
        return "partly", "The search is repeated with symmetric architectures only."
    return "no", "Run a sweep, which varies the share alone, or a confirmation with its controls."


def _protocol(findings: Findings) -> Answer:
    return "yes", (
        "All candidates of a phase see the same data, up to the same number of examples, by the "
        "same schedule and the same metric."
    )


def _over_time(findings: Findings) -> Answer:
    return "yes", "Losses are shown at every rung of training, and the cost of each phase in MACs."


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
    if findings.confirmed:
        seeds = min((len(c.scores) for c in findings.confirmed.contenders), default=0)
        status: Status = "yes" if seeds >= 6 else "partly"
        return status, f"Contenders are retrained from scratch with {plural(seeds, 'fresh seed')}."
    if findings.inferred and findings.run.sweep:
        done = findings.run.sweep.measured
        done = done[done[t.STATE] == "complete"]
        seeds = int(done.groupby(t.CLUSTER).size().min()) if len(done) else 0
        return ("yes" if seeds > 1 else "partly"), (
            f"Every architecture of the sweep has {plural(seeds, 'finished seed')} or more."
        )
    return "no", "Each architecture is trained once: python -m asymnas.confirm retrains the best."


def _tabular(findings: Findings) -> Answer:
    return "not applicable", (
        "The method is calibrated on made sweeps whose answer is known, and on two data sets whose "
        "answer is known; this run trains for real."
    )


def _confounders(findings: Findings) -> Answer:
    config, sweep = findings.run.config, findings.run.sweep
    shared = (
        f"Latent size ({config['latent']}), examples, batch size and splits are equal for all; "
    )
    if sweep is None:
        return (
            "partly",
            shared + "learning rates are searched, and unused budget is not controlled.",
        )
    found = findings.inferred
    edge = found.edge if found else None
    at_edge = "" if edge is None else f" ({percent(edge)} of them at the edge of their range)"
    status: Status = "partly" if found and found.rates_too_narrow else "yes"
    return status, shared + (
        "totals are within one per cent of their budgets, and the learning rate is tuned for each "
        f"architecture{at_edge}."
    )


def _tuning(findings: Findings) -> Answer:
    low, high = findings.run.config["learning_rates"]
    return "yes", (
        f"The learning rate is tuned, between {low:g} and {high:g}, and its cost is in the table "
        "above; batch size, schedule and weight decay are as in the set-up."
    )


def _end_to_end(findings: Findings) -> Answer:
    entries = costs(findings.run)
    seconds = sum(entry.seconds for entry in entries)
    return "yes", (
        f"{duration(seconds)} of worker time in {plural(sum(e.runs for e in entries), 'run')}, "
        "failed and pruned ones included."
    )


def _details(findings: Findings) -> Answer:
    unfinished = int((findings.run.own[t.STATE] == "running").sum())
    if unfinished:
        return "partly", f"The set-up is below, but {plural(unfinished, 'trial')} still unfinished."
    return "yes", "Settings, seed, versions and hardware are below; every trial is in trials.csv."


#: In the order of `PRACTICES`.
ANSWERS: tuple[Callable[[Findings], Answer], ...] = (
    _code,
    _method,
    _now,
    _benchmark,
    _ablations,
    _protocol,
    _over_time,
    _random,
    _repeated,
    _tabular,
    _confounders,
    _tuning,
    _end_to_end,
    _details,
)

"""What a report says, section by section, from the findings."""

from collections.abc import Mapping
from typing import Any

from asymnas.analysis.checks import agreement, generalisation
from asymnas.analysis.estimates import Interval
from asymnas.analysis.interaction import interaction
from asymnas.core import columns as t
from asymnas.core.tables import Rows
from asymnas.core.text import duration, percent, plural, short, with_span
from asymnas.core.urls import public_url
from asymnas.networks.architecture import Architecture
from asymnas.networks.families import FAMILIES
from asymnas.reporting.check_sentences import (
    agreement_sentence,
    generalisation_sentences,
    interaction_sentence,
)
from asymnas.reporting.checklist import practices, tally
from asymnas.reporting.content import (
    Block,
    Checklist,
    Drawing,
    Folded,
    PageContent,
    Pairs,
    Points,
    Section,
)
from asymnas.reporting.cost import cost_rows, costs
from asymnas.reporting.figures.confirmation import confirmation_panel
from asymnas.reporting.figures.decoder_share import share_panel
from asymnas.reporting.figures.drawing import architecture_drawing
from asymnas.reporting.figures.front_share import profile_panel
from asymnas.reporting.figures.trend import trend_panel
from asymnas.reporting.findings import Findings, Inferred
from asymnas.reporting.pictures import errors_sentence, pictures
from asymnas.reporting.plots import (
    best_trial,
    curves_of,
    front_of,
    front_share_of,
    importance_of,
)
from asymnas.reporting.summary import metrics_of
from asymnas.reporting.tables import (
    comparison_rows,
    contender_rows,
    contrast_rows,
    horizon_rows,
    measured_rows,
    method_rows,
    search_rows,
    share_rows,
    trial_rows,
)
from asymnas.reporting.verdicts import cautions
from asymnas.runs.front_table import front_rows
from asymnas.runs.run import Run


def page(findings: Findings, summary: Mapping[str, Any]) -> PageContent:
    """The page of a run, with the runs that follow it up."""
    sections = [
        *_share(findings),
        *_front(findings, summary),
        *_confirmation(findings),
        *_best(findings, summary),
        *_training(findings),
        _costs(findings),
        _conduct(findings),
        Section("notes", "Notes", [Points(_notes(findings, summary))], aside=True),
        Section("setup", "Set-up", [Pairs(_setup(findings.run))]),
    ]
    return PageContent(
        title=f"{summary['study']}: asymmetric autoencoders under {_budget(summary)}",
        headline=summary["verdict"],
        facts=_facts(summary),
        sections=sections,
    )


def _budget(summary: Mapping[str, Any]) -> str:
    return f"{summary['budget']['total_params']:,} parameters"


def _share(findings: Findings) -> list[Section]:
    inferred, sweep = findings.inferred, findings.run.sweep
    if inferred is None or sweep is None:
        return []
    body: list[Block] = [share_panel(sweep.measured, inferred.share)]
    lead = "Dots are runs as measured; the line is the fitted law for an average structure."
    if any(entry.structures for entry in inferred.share.budgets):
        body.append(contrast_rows(inferred.share))
        lead = (
            "Dots are runs, each against its own structure at one half; the line is the mean "
            "over structures, by this budget's runs alone."
        )
    body.append(share_rows(inferred.share))
    sections = [Section("share", "Loss against decoder share", body, lead=lead)]
    if len(inferred.share.budgets) > 1:
        trend: list[Block] = [trend_panel(inferred.share)]
        sections.append(Section("trend", "The best share against the budget", trend))
    otherwise: list[Block] = [share_rows(inferred.equal_macs)]
    if any(entry.structures for entry in inferred.share.budgets):
        otherwise.insert(0, method_rows(inferred.share))
    if inferred.horizons:
        otherwise.append(horizon_rows(inferred.horizons))
    otherwise.append(Points(_robustness(sweep, inferred)))
    lead = "The same with MACs in place of parameters, and what else could fool the answer."
    sections.append(Section("robustness", "Does the answer hold otherwise?", otherwise, lead=lead))
    return sections


def _robustness(sweep: Run, inferred: Inferred) -> list[str]:
    """What could fool the answer, one sentence each."""
    points = cautions(inferred.share)
    for measure, by_budget in inferred.measures.items():
        if shares := _by_budget(by_budget):
            points.append(f"Judged by {measure} in place of the loss, the best share is {shares}.")
    if inferred.edge is not None:
        wider = ": a wider range would do some of them good" if inferred.rates_too_narrow else ""
        points.append(
            "The best learning rate is at an end of those tried for "
            f"{percent(inferred.edge)} of the networks tuned{wider}."
        )
    points.append(generalisation_sentences(generalisation(sweep.measured)))
    points.append(interaction_sentence(interaction(sweep.measured)))
    points.append(agreement_sentence(agreement(sweep.measured)))
    deviations = inferred.share.deviations
    spread = " and ".join(f"{percent(sd)} between {name}s" for name, sd in deviations.items())
    if spread:
        points.append(f"Losses vary by {spread} (standard deviation), the share held fixed.")
    return [point for point in points if point]


def _by_budget(shares: Mapping[int, Interval]) -> str:
    return ", ".join(
        f"{with_span(share, percent)} at {short(budget)}" for budget, share in shares.items()
    )


def _front(findings: Findings, summary: Mapping[str, Any]) -> list[Section]:
    run = findings.run
    body: list[Block] = [front_of(run)]
    if run.study.purpose == "search":
        body.append(front_rows(run.front, run.objectives, best_trial(run)))
        every = trial_rows(run.measured, [objective.name for objective in run.objectives])
        body.append(Folded(summary=f"All {plural(len(run.measured), 'trial')}", body=[every]))
    sections = [Section("the-front", "The front", body)]
    if run.study.purpose == "search":
        by_range = profile_panel(summary["decoder_share"]["profile"], run.objectives[0])
        along: list[Block] = [front_share_of(run), by_range]
        sections.append(Section("front-share", "The decoder's share along the front", along))
    return sections


def _confirmation(findings: Findings) -> list[Section]:
    confirmed = findings.confirmed
    if confirmed is None:
        return []
    body: list[Block] = [
        *([search_rows(confirmed.searches)] if confirmed.searches else ()),
        confirmation_panel(confirmed.contenders, confirmed.comparisons),
        contender_rows(confirmed.contenders, [o.name for o in findings.run.objectives]),
        comparison_rows(confirmed.comparisons),
        Points([f"There is no {name}: {why}." for name, why in confirmed.missing.items()]),
    ]
    return [Section("confirmation", "Confirmed with fresh seeds on the test split", body)]


def _best(findings: Findings, summary: Mapping[str, Any]) -> list[Section]:
    best = summary["best"]
    if not best:
        return []
    architecture = Architecture.from_dict(best["architecture"])
    latent = FAMILIES.get(architecture.encoder_family).latent_shape(architecture.problem)
    caption = f"The best architecture, trial {best['trial']}."
    drawing = Drawing(svg=architecture_drawing(architecture.layers(), latent), caption=caption)
    shown = pictures(findings, summary)
    return [
        Section("best", "The best architecture", [drawing, _measured(findings, best)]),
        Section("reconstructions", "Reconstructions", shown, lead=errors_sentence(shown)),
    ]


def _measured(findings: Findings, best: Mapping[str, Any]) -> Rows:
    """The best by all metrics, beside the best of the symmetric search if there is one."""
    networks = {"best": best["metrics"]}
    control = findings.run.control
    if control is not None and len(control.front):
        networks["symmetric"] = metrics_of(control.front.iloc[0])
    return measured_rows(networks)


def _training(findings: Findings) -> list[Section]:
    run = findings.run
    agreed = []
    if run.study.purpose == "search":
        agreed = [agreement_sentence(agreement(run.measured))]
    return [
        Section("curves", "Learning curves", [curves_of(run), Points([a for a in agreed if a])]),
        Section("importance", "What the loss depended on", [importance_of(run)]),
    ]


def _costs(findings: Findings) -> Section:
    return Section("cost", "What it cost", [cost_rows(costs(findings.run))])


def _conduct(findings: Findings) -> Section:
    kept = practices(findings)
    return Section(
        "checklist",
        "Good practice",
        [Checklist(kept)],
        lead="The checklist of Lindauer and Hutter (JMLR 2020), but for tabular benchmarks, filled "
        f"in from this run: {tally(kept)}",
    )


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


def _notes(findings: Findings, summary: Mapping[str, Any]) -> list[str]:
    run, notes = findings.run, list(summary["left_out"])
    if summary["trials"]["unfinished"]:
        notes.append(
            f"{plural(summary['trials']['unfinished'], 'trial')} still unfinished: the same "
            "command, or a larger number of trials, continues."
        )
    if untaught := summary["trials"]["learned_nothing"]:
        notes.append(
            f"{plural(untaught, 'complete trial')} predicted no better than the mean of the "
            "training examples: trained so briefly or at such a rate, nothing was learned."
        )
    failures = run.own[run.own[t.STATE] == "failed"][t.FAILURE]
    if len(failures):
        notes.append(f"{plural(len(failures), 'trial')} failed; the first: {failures.iloc[0]}.")
    if findings.confirmed is None:
        notes.append("Losses are on the validation split; the test split is untouched.")
    else:
        notes.append(
            "Losses of search and sweep are on the validation split; the test split was read by "
            "the confirmation alone, once a run."
        )
    rates = [entry["learning_rate"] for entry in summary["front"]]
    if rates:
        notes.append(f"Learning rates on the front: {min(rates):.2g} to {max(rates):.2g}.")
    if run.study.purpose == "search" and findings.inferred is None:
        notes.append(
            "Where the best share lies is not inferred from a search: python -m asymnas.sweep does."
        )
    return notes


def _setup(run: Run) -> dict[str, str]:
    return {
        **{name: _text(setting) for name, setting in run.config.items()},
        **{name: _text(setting) for name, setting in run.study.design.items()},
        **{name: str(fact) for name, fact in run.study.setup.items()},
    }


def _text(setting: Any) -> str:
    """A setting as it is shown; no secret of a storage URL is."""
    if isinstance(setting, list):
        return ", ".join(_text(item) for item in setting)
    if isinstance(setting, dict):
        return "; ".join(f"{name}: {_text(value)}" for name, value in setting.items())
    if isinstance(setting, str) and "://" in setting:
        return public_url(setting)
    whole = isinstance(setting, int) and not isinstance(setting, bool)
    return f"{setting:,}" if whole else str(setting)

"""The answer of a report: what was inferred, what was confirmed, what its search observed.

Sentences of sweeps and confirmations are in `verdicts`; those of a search are here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from asymnas.analysis.search_share import BudgetProfile
from asymnas.core import columns as t
from asymnas.core.labels import label
from asymnas.core.text import percent, plural, share_phrase
from asymnas.reporting.findings import BEST, Findings
from asymnas.runs.run import Run

#: What the decoder share of a search is: no inference.
SEARCH_SHARE = (
    "descriptive: median over the front, and the best by range of the share; one search draws "
    "adaptively, so there is no interval and no inference about the optimum"
)


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
        f"The best of {plural(finished, 'trial')}: {label(quality)} {reached:.4g} with "
        f"{total:,} parameters, {share_phrase(best['decoder_share'], best['shared_params'])}."
    ]
    if share["estimate"] is not None and not inferred:
        sentences.append(
            f"Along the front of {len(summary['front'])} the decoder's median share is "
            f"{percent(share['estimate'])}{_around(best['trial'], share['profile'])}. This "
            "describes one search; its draws are adaptive, so it does not prove where the optimum "
            "lies."
        )
    if bests := share["bests_of_searches"]:
        sentences.append(
            f"Over {len(bests)} searches the best network has from {percent(min(bests))} to "
            f"{percent(max(bests))} of its parameters in the decoder."
        )
    return sentences


def _around(best: int, profiles: Sequence[BudgetProfile]) -> str:
    """The range of the decoder share that the best trial lies in, and how many trials did."""
    for profile in profiles:
        for own in profile["ranges"]:
            if own["trial"] == best:
                complete = sum(r["complete"] for r in profile["ranges"])
                size = f" at {profile['budget']:,} parameters" if profile["budget"] else ""
                return (
                    f"; the best lies between {percent(own['low'])} and {percent(own['high'])}, "
                    f"drawn in {own['complete']} of {plural(complete, 'completed trial')}{size}"
                )
    return ""


def _nothing(search: Run) -> str:
    """Why a search has no best network."""
    failures = search.own[search.own[t.STATE] == "failed"][t.FAILURE]
    if failures.empty:
        return "No trial has completed yet: there is nothing to report."
    return (
        f"No trial has completed; {plural(len(failures), 'trial')} failed, the first for this "
        f"reason: {failures.iloc[0]}."
    )

"""The tables of studies of networks made by hand: arms, and what they say to each question."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from pathlib import Path

import numpy as np
import pandas as pd
from arm_plan import REFERENCE
from masked_decoder import NAME as MASKED
from numpy.typing import NDArray
from reference_network import CONTRASTS, NETWORKS
from run import progress_of
from scipy.stats import t as student

from asymnas.analysis.comparison import holm
from asymnas.analysis.estimates import Interval
from asymnas.core import columns as t
from asymnas.core.tables import Rows
from asymnas.core.text import change, hundredths, probability, short, with_span
from asymnas.reporting.verdicts import relative_change

PROBE = "test_probe_accuracy"


@dataclass(frozen=True)
class Arm:
    """A network of the study.

    Args:
        name: What was changed of the reference network.
        parameters: In all.
        share: Of them in the decoder.
        macs: Multiply-accumulates of encoding and decoding one example.
        rates: Learning rates of encoder and decoder.
        losses: Log test loss by seed `[seeds]`, rising seeds.
        probes: What a linear probe of the latent classifies rightly, by seed; empty if not asked.
    """

    name: str
    parameters: int
    share: float
    macs: int
    rates: tuple[float, float]
    losses: NDArray[np.float64]
    probes: NDArray[np.float64]


def arms_of(results: Path) -> dict[str, Arm]:
    """The arms by name, in the order of the study, with the seeds that all of them completed.

    Args:
        results: The folder of the study's committed results.
    """
    runs = pd.read_csv(results / "trials.csv")
    runs = runs[(runs[t.PHASE] == t.MEASURE) & (runs[t.STATE] == "complete")]
    losses = runs.pivot(index=t.REPLICATE, columns=t.CONTENDER, values=t.TEST_LOSS).dropna()
    probes = (
        runs.pivot(index=t.REPLICATE, columns=t.CONTENDER, values=PROBE).loc[losses.index]
        if PROBE in runs
        else None
    )
    made = {}
    for name, own in runs.sort_values(t.CLUSTER).groupby(t.CONTENDER, sort=False):
        first = own.iloc[0]
        apart = float(first[t.RATE_RATIO]) ** 0.5  # the rate is the geometric mean of both
        rate = float(first[t.LEARNING_RATE])
        made[str(name)] = Arm(
            name=str(name),
            parameters=int(first[t.TOTAL_PARAMS]),
            share=float(first[t.DECODER_SHARE]),
            macs=int(first[t.TOTAL_MACS]),
            rates=(rate / apart, rate * apart),
            losses=np.log(losses[name].to_numpy(float)),
            probes=np.array([]) if probes is None else probes[name].to_numpy(float),
        )
    return made


def ratio(one: Arm, other: Arm) -> tuple[Interval, float]:
    """Log ratio of two arms' test losses, paired by seed, with Student's t interval, and its p."""
    return difference(one.losses - other.losses)


def difference(apart: NDArray[np.float64]) -> tuple[Interval, float]:
    """The mean over seeds `[seeds]` with Student's t interval, and the p that it is zero."""
    mean, count = float(apart.mean()), len(apart)
    if count < 2:
        return Interval(estimate=mean), 1.0
    error = float(apart.std(ddof=1)) / count**0.5
    half = float(student.ppf(0.975, count - 1)) * error
    p = 2 * float(student.sf(abs(mean) / error, count - 1))
    return Interval(estimate=mean, low=mean - half, high=mean + half), p


def costs(log_ratio: Interval) -> str:
    """A log ratio of losses in per cent, with its interval."""
    return with_span(relative_change(log_ratio), change)


def arm_table(arms: Mapping[str, Arm], components: Mapping[str, float]) -> str:
    """What each arm is and how well it reconstructs the test examples.

    Args:
        arms: All of them.
        components: How many principal components, and the test loss that they leave.
    """
    reference = arms[REFERENCE]
    against = {
        name: "" if arm is reference else costs(ratio(arm, reference)[0])
        for name, arm in arms.items()
    }
    lines = [
        (
            arm.name,
            f"{arm.parameters:,}",
            hundredths(arm.share),
            short(arm.macs),
            " / ".join(f"{rate:.2g}" for rate in arm.rates),
            f"{exp(float(arm.losses.mean())):.3g}",
            against[arm.name],
        )
        for arm in arms.values()
    ]
    count, pca = components["components"], components["test"]
    excess = change(pca / exp(float(reference.losses.mean())) - 1)
    lines.append((f"{count} principal components", "", "", "", "", f"{pca:.3g}", excess))
    columns = ["network", "parameters", "in the decoder", "MACs", "rates, encoder / decoder"]
    columns += ["test error", "against the reference"]
    return Rows(columns=tuple(columns), rows=tuple(lines)).to_markdown()


def question_table(arms: Mapping[str, Arm]) -> str:
    """The contrasts that were fixed before the first run, in their order."""
    asked = [row for row in CONTRASTS if {*row[1:]} <= arms.keys()]
    found = [ratio(arms[one], arms[other]) for _, one, other in asked]
    adjusted = holm([p for _, p in found])
    lines = [
        (question, f"{one} against {other}", costs(log), probability(p))
        for (question, one, other), (log, _), p in zip(asked, found, adjusted, strict=True)
    ]
    columns = ("question", "contrast", "test error", "p, Holm")
    return Rows(columns=columns, rows=tuple(lines), words=(1,)).to_markdown()


def probe_table(arms: Mapping[str, Arm]) -> str:
    """Loss and linear probe of each arm, and the probe against the reference, adjusted by Holm."""
    reference = arms[REFERENCE]
    against = {
        name: difference(arm.probes - reference.probes)
        for name, arm in arms.items()
        if arm is not reference
    }
    adjusted = dict(zip(against, holm([p for _, p in against.values()]), strict=True))
    lines = [
        (
            name,
            f"{arm.parameters:,}",
            hundredths(arm.share),
            f"{exp(float(arm.losses.mean())):.3g}",
            f"{100 * arm.probes.mean():.1f} %",
            with_span(against[name][0], _points) if name in against else "",
            probability(adjusted[name]) if name in against else "",
        )
        for name, arm in arms.items()
    ]
    columns = ["decoder", "parameters", "in the decoder", "test error of hidden patches"]
    columns += ["linear probe", "against the reference, points", "p, Holm"]
    return Rows(columns=tuple(columns), rows=tuple(lines)).to_markdown()


def _points(accuracy: float) -> str:
    return f"{100 * accuracy:+.1f}".replace("-", "−")


def tables(results: Path) -> dict[str, str]:
    """The tables of each study that is done, by their names on the page.

    Args:
        results: The folder of all studies' results.
    """
    components = json.loads((results / "principal_components.json").read_text("utf-8"))
    written = {}
    for name, network in NETWORKS.items():
        if progress_of(name, results).done:
            arms = arms_of(results / name)
            written[f"{name}: arms"] = arm_table(arms, components[network.dataset])
            if not network.found:  # of two arms, the first table says it all
                written[f"{name}: questions"] = question_table(arms)
    if progress_of(MASKED, results).done:
        written[MASKED] = probe_table(arms_of(results / MASKED))
    return written

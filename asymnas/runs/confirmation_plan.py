"""What a confirmation trains: contenders and controls with fresh seeds, scored on the test split.

Three runs of the one loop: an equally long search of symmetric architectures, unless it is there;
short work on the learning rates of contenders that no search has chosen one for; then every
contender trained from scratch with every seed and scored once on the test split. Seeds are
outermost: a confirmation stopped early holds whole pairs, and one continued with more seeds only
adds to it.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from asymnas.analysis.front import scored
from asymnas.analysis.tuning import best_rate
from asymnas.core import columns as t
from asymnas.core.config import ConfirmationConfig, StudyConfig
from asymnas.core.errors import BudgetError, ConfigError, StudyError
from asymnas.data.base import Dataset
from asymnas.networks.architecture import Architecture, unsupported_reason
from asymnas.networks.presets import PRESETS
from asymnas.runs.directory import CONFIRMATION_DIR, CONTROL_DIR, holds_run, storage_of
from asymnas.runs.phases import ListedRun, Phase
from asymnas.runs.plan import SearchPlan, plan_search
from asymnas.runs.run import Run
from asymnas.runs.study import FIXED, SAMPLERS, Purpose, SearchStudy, check_data, read_study
from asymnas.runs.sweep_plan import TUNING_SEED
from asymnas.space.equal_budget import at_total
from asymnas.space.sized_presets import expand_all, is_mirrored, scaled_for
from asymnas.space.space import Space
from asymnas.training.measurement import metric_facts
from asymnas.training.metrics import METRICS

REFERENCE = "reference"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One architecture to be retrained.

    Args:
        name: `best`, `runner-up 1`, …, `symmetric`, `mirror`, `reference`, a preset's.
        architecture: The network.
        learning_rate: The rate a search found for it; `None` if it has to be tuned.
        origin: Where it comes from, one line.
        is_control: Whether the best is held against it.
        rate_ratio: The decoder's rate over the encoder's, where a search has chosen them.
    """

    name: str
    architecture: Architecture
    learning_rate: float | None
    origin: str
    is_control: bool = False
    rate_ratio: float = 1.0


def front_members(search: Run, top: int) -> list[Contender]:
    """The first of a search's front, the best in the first objective first.

    Of a search whose candidates fill a ladder of budgets, those that follow the best are of its
    budget: the rest of the front is smaller, and worse for that reason alone.
    """
    entered = []
    for place, (_, row) in enumerate(_leading(search).head(top).iterrows()):
        member = search.trained(row)
        entered.append(
            Contender(
                name="best" if place == 0 else f"runner-up {place}",
                architecture=member.architecture,
                learning_rate=member.learning_rate,
                rate_ratio=member.rate_ratio,
                origin=f"trial {member.trial} of the search{_mark(member.architecture)}",
            )
        )
    return entered


def _leading(search: Run) -> pd.DataFrame:
    """The front or, on a ladder of budgets, each architecture of the best's budget at its best."""
    front, objective = search.front, search.objectives[0]
    if front.empty or t.BUDGET not in front or pd.isna(front.iloc[0][t.BUDGET]):
        return front
    rows = scored(search.table, search.objectives)
    rows = rows[rows[t.BUDGET] == front.iloc[0][t.BUDGET]]
    rows = rows.sort_values([objective.name, t.TRIAL], ascending=[not objective.maximize, True])
    return rows[~rows[t.ARCHITECTURE].map(str).duplicated()]


def named_presets(names: Sequence[str]) -> tuple[str, ...]:
    """The presets asked for, `all` spelled out, without the reference: it is a contender anyway.

    Raises:
        UnknownNameError: No preset has such a name.
    """
    return tuple(name for name in expand_all(names) if name != REFERENCE)


def choose_contenders(
    search: Run, control: Run, *, top: int, presets: Sequence[str] = ()
) -> tuple[list[Contender], dict[str, str]]:
    """The contenders of a confirmation, and those there are none of, with the reason.

    Args:
        search: The search that is confirmed.
        control: The equally long search of symmetric architectures.
        top: Members of the search's front, the best in the first objective first.
        presets: Presets that are contenders besides.
    """
    entered = front_members(search, top)
    missing: dict[str, str] = {}
    best = entered[0].architecture
    total = best.counts.total_params
    if control.front.empty:
        missing["symmetric"] = "no trial of the symmetric search has completed"
    elif (own := control.best).architecture.key() == best.key():
        missing["symmetric"] = "the best found is the best symmetric one itself"
    else:
        entered.append(
            Contender(
                name="symmetric",
                architecture=own.architecture,
                learning_rate=own.learning_rate,
                rate_ratio=own.rate_ratio,
                origin=f"trial {own.trial} of the symmetric search{_mark(own.architecture)}",
                is_control=True,
            )
        )
    caps = StudyConfig.from_dict(search.study.config).caps()
    controls = {
        "mirror": (at_total(best.mirror(), total), "the best's encoder mirrored, up to its total"),
        REFERENCE: (
            _reference(best, caps.total_params),
            "the reference preset, up to the budget",
        ),
    }
    for name in presets:
        try:
            preset = scaled_for(name, best.problem, kind=best.kind, budget=caps)
        except (BudgetError, ConfigError) as error:
            missing[name] = str(error)
        else:
            origin = f"the preset, up to the budget ({preset}){_mark(preset.architecture)}"
            controls[name] = preset.architecture, origin
    for name, (architecture, origin) in controls.items():
        if architecture is None:
            missing[name] = f"{origin}: there is none for such data, or none as small"
        elif not caps.admits(architecture.counts):
            missing[name] = f"{origin}: it exceeds another of the search's caps"
        elif architecture.key() in {c.architecture.key() for c in entered}:
            missing[name] = "the very architecture of another contender"
        else:
            entered.append(
                Contender(
                    name=name,
                    architecture=architecture,
                    learning_rate=None,
                    origin=origin,
                    is_control=True,
                )
            )
    return entered, missing


def _mark(architecture: Architecture) -> str:
    """A short name for the very architecture: the same trial number may be another one's."""
    return f" ({hashlib.sha256(architecture.key().encode()).hexdigest()[:8]})"


def _reference(best: Architecture, budget: int) -> Architecture | None:
    """The reference preset for the data and the latent of another, `None` if unsupported there."""
    preset = Architecture.preset(REFERENCE).to_dict()
    shared = best.to_dict()
    problem = {name: shared[name] for name in ("shape", "latent", "bottleneck", "kind")}
    families = preset[t.ENCODER_FAMILY], preset[t.DECODER_FAMILY]
    if unsupported_reason(*families, best.problem, best.kind) is not None:
        return None
    return at_total(Architecture.from_dict({**preset, **problem}), budget)


@dataclass(frozen=True, kw_only=True)
class ConfirmationPlan:
    """A confirmation in which nothing is left open; made when its control search is finished.

    Args:
        config: Settings of all runs; `trials` counts the short ones too.
        confirmation: What was asked for.
        space: The search's.
        data: The data set of all its runs.
        contenders: The architectures that are retrained.
        missing: Contenders that there are none of, with the reason.
        rates: Learning rates tried for contenders without one.
    """

    config: StudyConfig
    confirmation: ConfirmationConfig
    space: Space
    data: Dataset = field(repr=False, compare=False)
    contenders: Sequence[Contender]
    missing: Mapping[str, str]
    rates: Sequence[float]

    @property
    def notes(self) -> Sequence[str]:
        """What was done to the data."""
        return self.data.notes

    @property
    def purpose(self) -> Purpose:
        """A confirmation."""
        return "confirmation"

    @property
    def design(self) -> Mapping[str, Any]:
        """The contenders and where each comes from."""
        origins = {c.name: c.origin for c in self.contenders}
        return {"contenders": origins, "rates": self.confirmation.rates}

    @property
    def remarks(self) -> Mapping[str, Any]:
        """What more seeds and another margin may change."""
        return {
            "seeds": self.confirmation.seeds,
            "margin": self.confirmation.margin,
            "controls": [c.name for c in self.contenders if c.is_control],
            "missing": dict(self.missing),
        }

    @property
    def tuning_runs(self) -> int:
        """Runs that choose the learning rates of contenders without one."""
        return sum(c.learning_rate is None for c in self.contenders) * len(self.rates)

    @property
    def runs(self) -> int:
        """Runs that count."""
        return len(self.contenders) * self.confirmation.seeds

    def phases(self, study: SearchStudy, /) -> Iterator[Phase]:
        """Runs that choose the controls' rates, then runs that count and read the test split."""
        places = list(enumerate(self.contenders))
        tuning = [
            _run(place, c, rate, TUNING_SEED, t.TUNING)
            for (place, c), rate in product(places, self.rates)
            if c.learning_rate is None
        ]
        if tuning:
            yield Phase(
                config=replace(self.config, trials=len(tuning)),
                space=self.space,
                runs=tuple(tuning),
                name="tuning the controls' rates",
            )

        table = study.table()
        chosen = {
            c.name: c.learning_rate or best_rate(table, t.CONTENDER, c.name, self.rates)
            for c in self.contenders
        }
        measure = [
            _run(place, c, chosen[c.name], seed, t.MEASURE)
            for seed, (place, c) in product(range(self.confirmation.seeds), places)
        ]
        yield Phase(
            config=replace(self.config, trials=len(tuning) + len(measure)),
            space=self.space,
            runs=(*tuning, *measure),
            name="retraining contenders",
            test=True,
        )


def open_search(confirmation: ConfirmationConfig) -> Run:
    """Opens the search that is to be confirmed.

    Raises:
        UnknownNameError: No preset has the name of one that the confirmation asks for.
        StudyError: No finished search is there, or one that cannot be confirmed.
    """
    named_presets(confirmation.presets)
    directory = Path(confirmation.run_dir)
    search = Run.open(directory)
    if search.study.purpose != "search":
        raise StudyError(
            f"{directory} holds a {search.study.purpose}: give the directory of a search"
        )
    if search.study.config["symmetric"]:
        raise StudyError(
            f"{directory} holds a symmetric search, which would be its own control: give the "
            "directory of a free one"
        )
    if search.front.empty:
        raise StudyError(f"no trial of {directory} has completed: continue the search first")
    if search.study.config["sampler"] not in SAMPLERS:
        raise StudyError(
            f"the search drew by a sampler of your own ({search.study.config['sampler']}), which "
            "its storage does not hold, so an equally long symmetric search cannot be run: search "
            f"with one of {', '.join(SAMPLERS)}"
        )
    return search


def plan_control(confirmation: ConfirmationConfig, search: Run) -> SearchPlan:
    """The equally long search of symmetric architectures.

    Raises:
        DataError: The search's data set is missing or unusable.
    """
    config = _config_of(search.study, confirmation)
    finished = search.table[search.table[t.DUPLICATE_OF].isna()]
    problem = search.best.architecture.problem
    control = replace(
        config,
        name=f"{config.name}-control",
        enqueue=tuple(  # the same head start, as far as it is symmetric
            name
            for name in search.study.config.get("enqueue", ())
            if is_mirrored(PRESETS.get(name), problem)
        ),
        run_dir=str(search.directory / CONTROL_DIR),
        family=config.encoder_family,  # a mirror is of its encoder's family
        encoder_family=None,
        decoder_family=None,
        metrics=(),
        symmetric=True,
        trials=int(finished[t.STATE].ne("running").sum()),
    )
    plan = plan_search(control)
    facts = metric_facts(plan.data, *plan.space.of_each_pair())
    kept = (n for n in config.metrics or () if METRICS.get(n).unsupported_reason(facts) is None)
    metrics = tuple(sorted({*(plan.config.metrics or ()), *kept}))
    return replace(plan, config=replace(plan.config, metrics=metrics))


def check_same_front(confirmation: ConfirmationConfig, search: Run) -> None:
    """Checks that a confirmation that was begun is of the search's present front.

    Raises:
        StudyError: The search has gone on, and its front is another one now.
    """
    directory = search.directory / CONFIRMATION_DIR
    if not holds_run(directory):
        return
    before = read_study(*storage_of(directory)).design.get("contenders", {})
    now = {c.name: c.origin for c in front_members(search, confirmation.top)}
    for name, origin in now.items():
        if before.get(name, origin) != origin:
            raise StudyError(
                f"the search has gone on since it was confirmed: {name} was {before[name]}, now "
                f"{origin}; confirm it anew with --fresh"
            )


def plan_confirmation(
    confirmation: ConfirmationConfig, search: Run, control: Run, data: Dataset
) -> ConfirmationPlan:
    """Chooses the contenders, and what all of them can be measured by.

    Args:
        confirmation: What was asked for.
        search: The search that is confirmed.
        control: The finished search of symmetric architectures.
        data: The data set of all three.

    Raises:
        StudyError: The search was run on other data.
    """
    check_data(search.study, data)
    presets = named_presets(confirmation.presets)
    contenders, missing = choose_contenders(search, control, top=confirmation.top, presets=presets)
    config = _config_of(search.study, confirmation)
    resolved = plan_search(
        replace(
            config,
            name=f"{config.name}-confirmation",
            run_dir=str(search.directory / CONFIRMATION_DIR),
            sampler="random",
            pruner="none",
        ),
        data,
    )
    config = replace(resolved.config, sampler=FIXED)
    contenders, metrics = _measurable(contenders, missing, config, data)
    config = replace(config, metrics=metrics)
    plan = ConfirmationPlan(
        config=config,
        confirmation=confirmation,
        space=resolved.space,
        data=data,
        contenders=contenders,
        missing=missing,
        rates=rate_grid(config.learning_rates, confirmation.rates),
    )
    return replace(plan, config=replace(config, trials=plan.tuning_runs + plan.runs))


def _measurable(
    contenders: Sequence[Contender],
    missing: dict[str, str],
    config: StudyConfig,
    data: Dataset,
) -> tuple[list[Contender], tuple[str, ...]]:
    """Leaves out metrics that a contender of another family has not, or it if one is an objective.

    Args:
        contenders: All that were chosen.
        missing: Takes the reason of each that is left out.
        config: The confirmation's settings.
        data: The data set.

    Returns:
        The contenders that stay, and the metrics that all of them have.
    """
    metrics, stay = config.metrics or (), []
    for contender in contenders:
        facts = metric_facts(data, contender.architecture)
        unsupported = {name for name in metrics if METRICS.get(name).unsupported_reason(facts)}
        if objectives := sorted(unsupported & set(config.objectives)):
            missing[contender.name] = f"the objective {objectives[0]} cannot be measured of it"
            continue
        stay.append(contender)
        metrics = tuple(name for name in metrics if name not in unsupported)
    return stay, metrics


def _run(place: int, contender: Contender, rate: float, seed: int, phase: str) -> ListedRun:
    return ListedRun(
        architecture=contender.architecture,
        learning_rate=rate,
        rate_ratio=contender.rate_ratio,
        replicate=seed,
        labels={t.PHASE: phase, t.CONTENDER: contender.name, t.CLUSTER: place},
    )


def _config_of(study: SearchStudy, confirmation: ConfirmationConfig) -> StudyConfig:
    """The search's own configuration, with what may differ from machine to machine given anew."""
    stored: Mapping[str, Any] = study.config
    machine = {
        name: value
        for name in ("workers", "device", "timeout")
        if (value := getattr(confirmation, name)) is not None
    }
    return StudyConfig.from_dict({**stored, "timeout": None, "enqueue": (), **machine})


def rate_grid(ends: tuple[float, float], n: int) -> list[float]:
    """So many learning rates, evenly spread on a log scale; one alone is the middle."""
    if n == 1:
        return [math.sqrt(ends[0] * ends[1])]
    return [float(rate) for rate in np.geomspace(*ends, n)]

"""A confirmation from a search's directory to its verdict: fresh seeds, the test split, controls.

Three runs of the one loop: an equally long search of symmetric architectures, unless it is there;
short work on the learning rates of contenders that no search has chosen one for; then every
contender trained from scratch with every seed and scored once on the test split. Seeds are
outermost: a confirmation stopped early holds whole pairs, and one continued with more seeds only
adds to it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from asymnas.analysis.tuning import best_rate
from asymnas.core import columns as t
from asymnas.core.config import ConfirmationConfig, StudyConfig
from asymnas.core.errors import BudgetError, ConfigError, StudyError
from asymnas.data.base import load_dataset
from asymnas.networks.architecture import Architecture
from asymnas.networks.presets import PRESETS
from asymnas.reporting.publish import publish
from asymnas.runs.coordinator import Ending
from asymnas.runs.directory import CONFIRMATION_DIR, CONTROL_DIR, holds_run, storage_of
from asymnas.runs.execute import execute
from asymnas.runs.phases import Phase, Roster
from asymnas.runs.plan import Plan, settle
from asymnas.runs.progress import Snapshot
from asymnas.runs.run import Run
from asymnas.runs.study import SAMPLERS, Listed, SearchStudy, read_study
from asymnas.runs.sweep import TUNING_SEED, rate_grid, replicate_seed
from asymnas.space.equal_budget import at_total
from asymnas.space.presets import is_mirrored, scaled_for, spelled_out
from asymnas.space.space import Candidate
from asymnas.training.measurement import facts_of
from asymnas.training.metrics import METRICS

REFERENCE = "reference"


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One architecture to be retrained.

    Args:
        name: `best`, `runner-up 1`, …, `symmetric`, `mirror`, `reference`, a preset's.
        architecture: The network.
        learning_rate: The rate a search found for it; `None` if it has to be tuned.
        origin: Where it comes from, one line.
        is_control: Whether the best is held against it.
    """

    name: str
    architecture: Architecture
    learning_rate: float | None
    origin: str
    is_control: bool = False


def front_members(search: Run, top: int) -> list[Contestant]:
    """The first of a search's front, the best in the first objective first."""
    entered = []
    for place, (_, row) in enumerate(search.front.head(top).iterrows()):
        member = search.trained(row)
        entered.append(
            Contestant(
                name="best" if place == 0 else f"runner-up {place}",
                architecture=member.architecture,
                learning_rate=member.learning_rate,
                origin=f"trial {member.trial} of the search{_mark(member.architecture)}",
            )
        )
    return entered


def named_presets(names: Sequence[str]) -> tuple[str, ...]:
    """The presets asked for, `all` spelled out, without the reference: it is a contender anyway.

    Raises:
        UnknownNameError: No preset has such a name.
    """
    return tuple(name for name in spelled_out(names) if name != REFERENCE)


def enter(
    search: Run, control: Run, *, top: int, presets: Sequence[str] = ()
) -> tuple[list[Contestant], dict[str, str]]:
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
            Contestant(
                name="symmetric",
                architecture=own.architecture,
                learning_rate=own.learning_rate,
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
                Contestant(
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
    """The reference preset for the data and the latent of another architecture."""
    preset = Architecture.preset(REFERENCE).to_dict()
    shared = best.to_dict()
    problem = {name: shared[name] for name in ("shape", "latent", "bottleneck", "kind")}
    try:
        return at_total(Architecture.from_dict({**preset, **problem}), budget)
    except (ConfigError, RuntimeError, ValueError):  # not images, or images too small for it
        return None


@dataclass(frozen=True, kw_only=True)
class ConfirmationPlan:
    """A confirmation with everything settled, before anything is trained.

    Args:
        wanted: What was asked for.
        search: The run it confirms.
        control: The symmetric search, to be run or continued first.
        rates: Learning rates tried for contenders without one.
        presets: Presets that are contenders besides.
    """

    wanted: ConfirmationConfig
    search: Run
    control: Plan
    rates: Sequence[float]
    presets: tuple[str, ...] = ()


def settle_confirmation(wanted: ConfirmationConfig) -> ConfirmationPlan:
    """Checks everything.

    Raises:
        StudyError: No finished search is there.
        DataError: Its data set is missing or unusable.
    """
    directory = Path(wanted.run_dir)
    presets = named_presets(wanted.presets)
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
    config = _config_of(search.study, wanted)
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
        run_dir=str(directory / CONTROL_DIR),
        symmetric=True,
        trials=int(finished[t.STATE].ne("running").sum()),
    )
    return ConfirmationPlan(
        wanted=wanted,
        search=search,
        control=settle(control),
        rates=rate_grid(config.learning_rates, wanted.rates),
        presets=presets,
    )


def run_confirmation(
    wanted: ConfirmationConfig,
    *,
    fresh: bool = False,
    executor: Executor | None = None,
    observe: Callable[[Snapshot], None] = lambda snapshot: None,
) -> Run:
    """Confirms a search, or continues to, and writes the results into its directory.

    Args:
        wanted: Which search, how many seeds.
        fresh: Confirm anew; the control search is kept.
        executor: Where to train; by default local processes.
        observe: Called with a snapshot as the run goes on.

    Raises:
        AsymnasError: No finished search, or a confirmation of another one is in the way.
    """
    plan = settle_confirmation(wanted)
    return execute_confirmation(plan, fresh=fresh, executor=executor, observe=observe)[0]


def execute_confirmation(
    plan: ConfirmationPlan,
    *,
    fresh: bool = False,
    executor: Executor | None = None,
    observe: Callable[[Snapshot], None] = lambda snapshot: None,
) -> tuple[Run, Ending]:
    """Runs a settled confirmation; see `run_confirmation`. Says besides how it ended."""
    if not fresh:
        _check_same_front(plan)
    control, ending = execute(plan.control, executor=executor, observe=observe)
    if ending in ("finished", "exhausted"):
        follow_up = _plan(plan, control)
        _, ending = execute(follow_up, fresh=fresh, executor=executor, observe=observe)
    plan.search.refresh()
    publish(plan.search)
    return plan.search, ending


def _check_same_front(plan: ConfirmationPlan) -> None:
    """Refuses to go on with a confirmation of a front that is another one now."""
    directory = plan.search.directory / CONFIRMATION_DIR
    if not holds_run(directory):
        return
    before = read_study(*storage_of(directory)).design.get("contenders", {})
    now = {c.name: c.origin for c in front_members(plan.search, plan.wanted.top)}
    for name, origin in now.items():
        if before.get(name, origin) != origin:
            raise StudyError(
                f"the search has gone on since it was confirmed: {name} was {before[name]}, now "
                f"{origin}; confirm it anew with --fresh"
            )


def _plan(plan: ConfirmationPlan, control: Run) -> Plan:
    """The confirmation as a plan of its own."""
    search, wanted = plan.search, plan.wanted
    entered, missing = enter(search, control, top=wanted.top, presets=plan.presets)
    config = _config_of(search.study, wanted)
    config = replace(
        config,
        name=f"{config.name}-confirmation",
        run_dir=str(search.directory / CONFIRMATION_DIR),
        sampler=Listed(),
        pruner="none",
    )
    settled = settle(config)
    if plan.presets:
        entered, settled = _measurable(entered, missing, settled)
    untuned = [c for c in entered if c.learning_rate is None]
    runs = len(untuned) * len(plan.rates) + len(entered) * wanted.seeds
    return replace(
        settled,
        config=replace(settled.config, trials=runs),
        purpose="confirmation",
        design={"contenders": {c.name: c.origin for c in entered}, "rates": wanted.rates},
        remarks={
            "seeds": wanted.seeds,
            "margin": wanted.margin,
            "controls": [c.name for c in entered if c.is_control],
            "missing": missing,
        },
        phases=lambda study: _phases(settled.config, entered, plan, study),
    )


def _measurable(
    entered: Sequence[Contestant], missing: dict[str, str], settled: Plan
) -> tuple[list[Contestant], Plan]:
    """Leaves out metrics that a contender of another family has not, or it if one is an objective.

    Args:
        entered: The contenders.
        missing: Takes the reason of each that is left out.
        settled: The confirmation's plan.

    Returns:
        The contenders that stay, and the plan with the metrics that all of them have.
    """
    config = settled.config
    data, metrics, stay = load_dataset(config.data()), config.metrics or (), []
    for contestant in entered:
        facts = facts_of(data, contestant.architecture)
        refused = {name for name in metrics if METRICS.get(name).refuse(facts)}
        if objectives := sorted(refused & set(config.objectives)):
            missing[contestant.name] = f"the objective {objectives[0]} cannot be measured of it"
            continue
        stay.append(contestant)
        metrics = tuple(name for name in metrics if name not in refused)
    return stay, replace(settled, config=replace(config, metrics=metrics))


def _phases(
    config: StudyConfig,
    entered: Sequence[Contestant],
    plan: ConfirmationPlan,
    study: SearchStudy,
) -> Iterator[Phase]:
    untuned = [c for c in entered if c.learning_rate is None]
    tuning = [
        _candidate(entered.index(c), c, rate, TUNING_SEED, config, t.TUNING)
        for c, rate in product(untuned, plan.rates)
    ]
    if tuning:
        first = replace(config, trials=len(tuning))
        yield Phase(config=first, source=Roster(tuning), name="tuning the controls' rates")

    table = study.table()
    rates = {
        c.name: c.learning_rate or best_rate(table, t.CONTENDER, c.name, plan.rates)
        for c in entered
    }
    measure = [
        _candidate(place, c, rates[c.name], seed, config, t.MEASURE)
        for seed in range(plan.wanted.seeds)
        for place, c in enumerate(entered)
    ]
    yield Phase(
        config=replace(config, trials=len(tuning) + len(measure)),
        source=Roster([*tuning, *measure]),
        name="retraining contenders",
        test=True,
    )


def _candidate(
    place: int, entered: Contestant, rate: float, seed: int, config: StudyConfig, phase: str
) -> Candidate:
    return Candidate(
        architecture=entered.architecture,
        learning_rate=rate,
        seed=replicate_seed(config.seed, seed),
        labels={
            t.PHASE: phase,
            t.CONTENDER: entered.name,
            t.CLUSTER: place,
            t.REPLICATE: seed,
        },
    )


def _config_of(study: SearchStudy, wanted: ConfirmationConfig) -> StudyConfig:
    """The search's own configuration, with what may differ from machine to machine given anew."""
    stored: Mapping[str, Any] = study.config
    machine = {
        name: value
        for name in ("workers", "device", "timeout")
        if (value := getattr(wanted, name)) is not None
    }
    return StudyConfig.from_dict({**stored, "timeout": None, "enqueue": (), **machine})

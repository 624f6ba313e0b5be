"""What a confirmation trains: contenders and controls with fresh seeds, scored on the test split.

Runs of the one loop, one after another: an equally long search of symmetric architectures; further
pairs of a free and a symmetric search with seeds of their own, on the same splits; tuning of the
learning rates of contenders that no search has chosen one for; then every contender trained from
scratch with every seed and scored once on the test split. What is there already is not run again.
Seeds are outermost: a confirmation stopped early holds whole pairs, and one continued with more
seeds only adds to it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from asymnas.analysis.tuning import Group, Losses, RateGrid, grid_losses, margin, tuned_rates
from asymnas.core import columns as t
from asymnas.core.config import StudyConfig
from asymnas.core.confirmation_config import ConfirmationConfig
from asymnas.core.errors import StudyError
from asymnas.core.files import holds_run
from asymnas.data.base import Dataset
from asymnas.networks.presets import PRESETS
from asymnas.runs.contenders import (
    Contender,
    Entered,
    choose_contenders,
    front_members,
    named_presets,
)
from asymnas.runs.directory import (
    CONFIRMATION_DIR,
    CONTROL_DIR,
    REPEATS_DIR,
    storage_of,
)
from asymnas.runs.phases import ListedRun, Phase
from asymnas.runs.plan import SearchPlan, plan_search
from asymnas.runs.run import Run
from asymnas.runs.study import FIXED, SAMPLERS, Purpose, SearchStudy, check_data, read_study
from asymnas.runs.sweep_plan import TUNING_SEED
from asymnas.space.sized_presets import is_mirrored
from asymnas.space.space import Space
from asymnas.training.measurement import metric_facts
from asymnas.training.metrics import METRICS


@dataclass(frozen=True, kw_only=True)
class ConfirmationPlan:
    """A confirmation in which nothing is left open; made when its control search is finished.

    Args:
        config: Settings of all runs; `trials` counts the short ones too.
        confirmation: What was asked for.
        space: The search's.
        data: The data set of all its runs.
        entered: The architectures that are retrained.
        grid: Learning rates and ratios tried for contenders without them.
    """

    config: StudyConfig
    confirmation: ConfirmationConfig
    space: Space
    data: Dataset = field(repr=False, compare=False)
    entered: Entered
    grid: RateGrid

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
        """The contenders, where each comes from, and which rates are tried."""
        return {
            "searches": self.confirmation.searches,
            "contenders": {c.name: c.origin for c in self.entered.contenders},
            "rates": self.confirmation.rates,
            "middle rate": self.grid.middle,
        }

    @property
    def remarks(self) -> Mapping[str, Any]:
        """What more seeds and another margin may change."""
        return {
            "seeds": self.confirmation.seeds,
            "margin": self.confirmation.margin,
            "controls": [c.name for c in self.entered.contenders if c.is_control],
            "missing": dict(self.entered.missing),
            "pairs": self.entered.pairs,
        }

    @property
    def runs(self) -> int:
        """Runs that count."""
        return len(self.entered.contenders) * self.confirmation.seeds

    def phases(self, study: SearchStudy, /) -> Iterator[Phase]:
        """Runs that choose rates, round by round, then runs that count and read the test split."""
        listed: list[ListedRun] = []

        def phase(runs: Sequence[ListedRun], name: str, *, test: bool = False) -> Phase:
            listed.extend(runs)
            config = replace(self.config, trials=len(listed))
            return Phase(config=config, space=self.space, runs=tuple(listed), name=name, test=test)

        def table() -> pd.DataFrame:
            whole = study.table()
            return whole[whole[t.TRIAL] < len(listed)]

        while runs := self._tuning(table()):
            yield phase(runs, "tuning the controls' rates")
        rates = self._rates(table())
        measure = [
            _run(place, c, rates[c.name], seed, {t.PHASE: t.MEASURE})
            for seed, (place, c) in product(
                range(self.confirmation.seeds), enumerate(self.entered.contenders)
            )
        ]
        yield phase(measure, "retraining contenders", test=True)

    @property
    def _groups(self) -> dict[Group, tuple[int, Contender]]:
        """Contenders whose rates are tuned, with their places in the list."""
        return {
            Group(place, round(c.architecture.decoder_share, 6)): (place, c)
            for place, c in enumerate(self.entered.contenders)
            if c.learning_rate is None
        }

    def _losses(self, table: pd.DataFrame) -> dict[Group, Losses]:
        """What was tuned so far, by contender; rows carry the contender's place as structure."""
        done = grid_losses(table, self._budget, self.grid)
        return {group: done.get(group, {}) for group in self._groups}

    def _tuning(self, table: pd.DataFrame) -> list[ListedRun]:
        """The next round of tuning: what each contender still lacks."""
        if self.confirmation.rates == 1:
            return []
        runs = []
        for group, point in self.grid.missing(self._losses(table)):
            place, contender = self._groups[group]
            labels = {
                t.PHASE: t.TUNING,
                t.BUDGET: self._budget,
                t.STRUCTURE: group.structure,
                t.TARGET_SHARE: group.share,
            }
            runs.append(_run(place, contender, self.grid.rates(point), TUNING_SEED, labels))
        return runs

    def _rates(self, table: pd.DataFrame) -> dict[str, tuple[float, float]]:
        """Learning rate and rate ratio of every contender."""
        rates = {
            c.name: (c.learning_rate or self.grid.middle, c.rate_ratio)
            for c in self.entered.contenders
        }
        tuned = self._losses(table)
        slower = margin(tuned)
        for group, losses in tuned.items():
            _, contender = self._groups[group]
            own = tuned_rates({group: losses}, self.grid, slower)
            rates[contender.name] = own.at(group.share)
        return rates

    @property
    def _budget(self) -> int:
        """What tuning runs name as their budget."""
        return self.config.budget


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


def plan_repeat(
    confirmation: ConfirmationConfig, search: Run, number: int, data: Dataset
) -> SearchPlan:
    """An equally long free search with another seed, on the splits of the first.

    Args:
        confirmation: What was asked for.
        search: The search that is confirmed.
        number: Which one, from 1 on; its seed is the search's plus this.
        data: The search's data set.
    """
    config = _config_of(search.study, confirmation)
    return plan_search(
        replace(
            config,
            name=f"{config.name}-repeat-{number}",
            enqueue=tuple(search.study.config.get("enqueue", ())),
            seed=config.seed + number,
            split_seed=config.data().seed,
            run_dir=str(search.directory / REPEATS_DIR / str(number)),
            trials=_finished(search),
            patience=None,
        ),
        data,
    )


def _finished(search: Run) -> int:
    """Trials of a search that have ended, duplicates aside."""
    return int(search.own[t.STATE].ne("running").sum())


def plan_control(
    confirmation: ConfirmationConfig, search: Run, data: Dataset | None = None
) -> SearchPlan:
    """The equally long search of symmetric architectures.

    Args:
        confirmation: What was asked for.
        search: The search that it belongs to: the one that is confirmed, or a repeat.
        data: The search's data set, where it is loaded already.

    Raises:
        DataError: The search's data set is missing or unusable.
        StudyError: It is another one than the search was run on.
    """
    config = _config_of(search.study, confirmation)
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
        trials=_finished(search),
        patience=None,
    )
    plan = plan_search(control, data)
    if data is None:
        check_data(search.study, plan.data)
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
    confirmation: ConfirmationConfig,
    search: Run,
    control: Run,
    repeats: Sequence[tuple[Run, Run]],
    data: Dataset,
) -> ConfirmationPlan:
    """Chooses the contenders, and what all of them can be measured by.

    Args:
        confirmation: What was asked for.
        search: The search that is confirmed.
        control: The finished search of symmetric architectures.
        repeats: Further pairs of finished searches, free and symmetric.
        data: The data set of them all.

    Raises:
        StudyError: The search was run on other data.
    """
    check_data(search.study, data)
    presets = named_presets(confirmation.presets)
    entered = choose_contenders(search, control, repeats, top=confirmation.top, presets=presets)
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
    entered, metrics = _measurable(entered, config, data)
    best = entered.contenders[0]
    return ConfirmationPlan(
        config=replace(config, metrics=metrics),
        confirmation=confirmation,
        space=resolved.space,
        data=data,
        entered=entered,
        grid=RateGrid(best.learning_rate or config.rates()[0], confirmation.rates),
    )


def _measurable(
    entered: Entered, config: StudyConfig, data: Dataset
) -> tuple[Entered, tuple[str, ...]]:
    """Leaves out metrics that a contender of another family has not, or it if one is an objective.

    Args:
        entered: All that were chosen.
        config: The confirmation's settings.
        data: The data set.

    Returns:
        The contenders that stay, and the metrics that all of them have.
    """
    metrics, stay, missing = config.metrics or (), [], dict(entered.missing)
    for contender in entered.contenders:
        facts = metric_facts(data, contender.architecture)
        unsupported = {name for name in metrics if METRICS.get(name).unsupported_reason(facts)}
        if objectives := sorted(unsupported & set(config.objectives)):
            missing[contender.name] = f"the objective {objectives[0]} cannot be measured of it"
            continue
        stay.append(contender)
        metrics = tuple(name for name in metrics if name not in unsupported)
    names = {contender.name for contender in stay}
    pairs = [pair for pair in entered.pairs if names.issuperset(pair)]
    return Entered(stay, missing, pairs), metrics


def _run(
    place: int,
    contender: Contender,
    rates: tuple[float, float],
    seed: int,
    labels: Mapping[str, Any],
) -> ListedRun:
    return ListedRun(
        architecture=contender.architecture,
        learning_rate=rates[0],
        rate_ratio=rates[1],
        replicate=seed,
        labels={**labels, t.CONTENDER: contender.name, t.CLUSTER: place},
    )


def _config_of(study: SearchStudy, confirmation: ConfirmationConfig) -> StudyConfig:
    """The search's own configuration, with what may differ from machine to machine given anew."""
    stored: Mapping[str, Any] = study.config
    machine = {
        name: value
        for name in ("executor", "workers", "gpus_per_trial", "device", "timeout")
        if (value := getattr(confirmation, name)) is not None
    }
    return StudyConfig.from_dict({**stored, "timeout": None, "enqueue": (), **machine})

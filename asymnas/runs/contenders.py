"""Who a confirmation retrains: the best of each search, the controls, and presets."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from asymnas.analysis.front import scored
from asymnas.core import columns as t
from asymnas.core.config import StudyConfig
from asymnas.core.errors import BudgetError, ConfigError
from asymnas.networks.architecture import Architecture, unsupported_reason
from asymnas.runs.run import Run
from asymnas.space.equal_budget import at_total
from asymnas.space.sized_presets import expand_all, scaled_for

REFERENCE = "reference"
BEST, SYMMETRIC = "best", "symmetric"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One architecture to be retrained.

    Args:
        name: `best`, `runner-up 1`, …, `symmetric`, `mirror`, `reference`, a preset's; of further
            searches `best of search 2`, `symmetric of search 2`, ….
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
    budgets = {front.iloc[0][t.BUDGET]}
    if pd.notna(sized_from := front.iloc[0].get(t.SIZED_FROM)):  # of a size that has few others
        budgets |= set(rows.loc[rows[t.TRIAL] == sized_from, t.BUDGET])
    rows = rows[rows[t.BUDGET].isin(budgets)]
    rows = rows.sort_values([objective.name, t.TRIAL], ascending=[not objective.maximize, True])
    return rows[~rows[t.ARCHITECTURE].map(str).duplicated()]


def named_presets(names: Sequence[str]) -> tuple[str, ...]:
    """The presets asked for, `all` spelled out, without the reference: it is a contender anyway.

    Raises:
        UnknownNameError: No preset has such a name.
    """
    return tuple(name for name in expand_all(names) if name != REFERENCE)


@dataclass(frozen=True)
class Entered:
    """Who is retrained.

    Args:
        contenders: All, the best first.
        missing: Contenders that there are none of, with the reason.
        pairs: Names of the best of a free search and of the symmetric one beside it, a pair per
            search; one name twice where both found the same architecture.
    """

    contenders: list[Contender]
    missing: dict[str, str]
    pairs: list[tuple[str, str]]


def choose_contenders(
    search: Run,
    control: Run,
    repeats: Sequence[tuple[Run, Run]] = (),
    *,
    top: int,
    presets: Sequence[str] = (),
) -> Entered:
    """The contenders of a confirmation, and those there are none of, with the reason.

    Args:
        search: The search that is confirmed.
        control: The equally long search of symmetric architectures.
        repeats: Further pairs of a free and a symmetric search.
        top: Members of the search's front, the best in the first objective first.
        presets: Presets that are contenders besides.
    """
    entered = front_members(search, top)
    missing: dict[str, str] = {}
    best = entered[0].architecture
    total = best.counts.total_params
    if control.front.empty:
        missing[SYMMETRIC] = "no trial of the symmetric search has completed"
    elif control.best.architecture.key() == best.key():
        missing[SYMMETRIC] = "the best found is the best symmetric one itself"
    else:
        entered.append(replace(_best_of(control, SYMMETRIC, "symmetric search"), is_control=True))
    pairs = [] if control.front.empty else [(BEST, BEST if SYMMETRIC in missing else SYMMETRIC)]
    caps = StudyConfig.from_dict(search.study.config).caps()
    controls = {
        "mirror": (at_total(best.mirror(), total), "the best's encoder mirrored, up to its total"),
        REFERENCE: (
            _begun_with(REFERENCE, search) or _reference(best, caps.total_params),
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
    for number, both in enumerate(repeats, start=2):
        if any(run.front.empty for run in both):
            missing[f"pair of searches {number}"] = "no trial of one of them has completed"
            continue
        names = []
        for run, name, what in zip(
            both, (BEST, SYMMETRIC), ("search", "symmetric search"), strict=True
        ):
            own = _best_of(run, f"{name} of search {number}", f"{what} {number}")
            same = [c for c in entered if c.architecture.key() == own.architecture.key()]
            entered += [] if same else [own]
            names.append(same[0].name if same else own.name)
        pairs.append((names[0], names[1]))
    return Entered(entered, missing, pairs)


def _best_of(search: Run, name: str, what: str) -> Contender:
    own = search.best
    return Contender(
        name=name,
        architecture=own.architecture,
        learning_rate=own.learning_rate,
        rate_ratio=own.rate_ratio,
        origin=f"trial {own.trial} of the {what}{_mark(own.architecture)}",
    )


def _mark(architecture: Architecture) -> str:
    """A short name for the very architecture: the same trial number may be another one's."""
    return f" ({hashlib.sha256(architecture.key().encode()).hexdigest()[:8]})"


def _begun_with(preset: str, search: Run) -> Architecture | None:
    """A preset as the search sized it, which suits the data better; `None` if it had none.

    An image of eight pixels, for one, has no room for three stages that halve it.
    """
    table = search.table
    begun = table[table[t.PRESET] == preset] if t.PRESET in table else table.head(0)
    return None if begun.empty else search.trained(begun.iloc[0]).architecture


def _reference(best: Architecture, budget: int) -> Architecture | None:
    """The reference preset for the data and the latent of another, `None` if unsupported there."""
    preset = Architecture.preset(REFERENCE).to_dict()
    shared = best.to_dict()
    problem = {name: shared[name] for name in ("shape", "latent", "bottleneck", "kind")}
    families = preset[t.ENCODER_FAMILY], preset[t.DECODER_FAMILY]
    if unsupported_reason(*families, best.problem, best.kind) is not None:
        return None
    return at_total(Architecture.from_dict({**preset, **problem}), budget)

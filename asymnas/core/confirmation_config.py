"""What one confirmation is: frozen, checked when made, stored with the results.

The options are the fields; `asymnas/core/declarations.py` has how one is declared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from asymnas.core.config import Device, Executor
from asymnas.core.declarations import (
    ARGUMENTS,
    DESIGN,
    MACHINE,
    SEARCH,
    Duration,
    Fraction,
    Names,
    Option,
    Part,
    PathText,
    Whole,
    as_dict,
    check,
    documented,
    identity,
    known,
)


@documented
@dataclass(frozen=True, kw_only=True)
class ConfirmationConfig:
    """One confirmation of a search.

    Raises:
        ConfigError: A value breaks its rule.
    """

    run_dir: Annotated[PathText, Option("The run directory of a search", ARGUMENTS, runtime=True)]
    searches: Annotated[
        Whole,
        Option(
            "Pairs of a free and a symmetric search, the one in the run directory included; what "
            "the constraint costs is inferred from three or more",
            DESIGN,
        ),
    ] = 3
    seeds: Annotated[
        Whole,
        Option(
            "Fresh seeds for each contender; six are the least for a verdict on one comparison, "
            "seven on three at once, eight on four to six",
            DESIGN,
            runtime=True,
        ),
    ] = 8
    top: Annotated[
        Whole, Option("Members of the front that are retrained", DESIGN, runtime=True)
    ] = 3
    rates: Annotated[
        Whole,
        Option(
            "Learning rates tried at first for the mirror, the reference and presets; the grid "
            "goes on until the best is inside. 1: the rate of the best",
            DESIGN,
        ),
    ] = 3
    margin: Annotated[
        Fraction, Option("Relative difference that does not matter", DESIGN, runtime=True)
    ] = 0.01
    presets: Annotated[
        Names,
        Option(
            "Published designs sized to the budget as contenders besides, comma-separated, or all "
            "that the data allow: dac, dc-ae, flux2-small, linear-decoder, litevae, mae, rae, "
            "scvi, sd-vae, taesd, vitok",
            DESIGN,
            default="none",
        ),
    ] = ()
    timeout: Annotated[
        Duration | None,
        Option(
            "Pause each of its runs after this time: 90, 45s, 30m, 2h",
            SEARCH,
            runtime=True,
            default="no limit",
        ),
    ] = None
    executor: Annotated[
        Executor | None,
        Option(
            "Where workers are: local, ray or ray:ADDRESS",
            MACHINE,
            runtime=True,
            default="as in the search",
        ),
    ] = None
    workers: Annotated[
        Whole | None,
        Option(
            "Candidates that train at once, each in a process",
            MACHINE,
            runtime=True,
            default="as in the search",
        ),
    ] = None
    gpus_per_trial: Annotated[
        Part | None,
        Option(
            "The part of a GPU that each candidate gets",
            MACHINE,
            runtime=True,
            default="as in the search",
        ),
    ] = None
    device: Annotated[
        Device | None,
        Option("Where to train", MACHINE, runtime=True, default="as in the search"),
    ] = None

    def __post_init__(self) -> None:
        check(self)

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return as_dict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ConfirmationConfig":
        """Reads what `to_dict` wrote, here or in another version."""
        return cls(**known(cls, values))

    def identity(self) -> dict[str, Any]:
        """The options that a continued confirmation must share with its start."""
        return identity(self)

"""What follows a search up, as configurations: a sweep infers, a confirmation verifies."""

from dataclasses import dataclass
from typing import Any

from asymnas.config import Device, StudyConfig
from asymnas.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """One sweep, whole: budgets × decoder shares × architectures × seeds.

    Args:
        study: Data, family, kind, latent, examples, machine; its budget, sampler, pruner,
            trials and enqueued presets are the sweep's own to set.
        budgets: Total parameters, each filled to within one per cent; by default a quarter, a half
            and all of the study's budget.
        shares: Decoder shares a budget, evenly spaced over `share_range`.
        share_range: The lowest and the highest share, in (0, 1).
        architectures: Architectures of each budget and share.
        screen: Structures tried in short runs for each one kept; 1 keeps every one.
        seeds: Runs of each architecture.
        rates: Learning rates tried in short runs of each architecture, spread over the study's
            range.
        tolerance: Relative loss above the lowest that does not matter: 0.01 is one per cent.

    Raises:
        ConfigError: A value out of its range.
    """

    study: StudyConfig
    budgets: tuple[int, ...] = ()
    shares: int = 9
    share_range: tuple[float, float] = (0.1, 0.9)
    architectures: int = 4
    screen: int = 3
    seeds: int = 3
    rates: int = 3
    tolerance: float = 0.01

    def __post_init__(self) -> None:
        if self.study.symmetric:
            raise ConfigError("a sweep cannot be symmetric: its shares are what it is about")
        for name in ("max_encoder_params", "max_decoder_params", "max_macs"):
            if getattr(self.study, name) is not None:
                raise ConfigError(
                    f"a sweep fills its budgets at every share, so it takes no {name}: leave it out"
                )
        for name in ("shares", "architectures", "screen", "seeds", "rates"):
            value, least = getattr(self, name), 2 if name == "shares" else 1
            if not isinstance(value, int) or value < least:
                raise ConfigError(f"{name} must be at least {least} but got {value!r}")
        ends = self.share_range
        if len(ends) != 2 or not 0 < ends[0] < ends[1] < 1:
            given = ", ".join(map(str, ends))
            raise ConfigError(f"share_range must be 0 < low < high < 1 but got {given}")
        if not 0 < self.tolerance < 1:
            raise ConfigError(f"tolerance must be between 0 and 1 but got {self.tolerance}")
        whole = self.study.budget
        budgets = self.budgets or (whole // 4, whole // 2, whole)
        for budget in budgets:
            if not isinstance(budget, int) or budget < 1:
                raise ConfigError(f"budgets must be whole numbers above 0 but got {budget!r}")
        object.__setattr__(self, "budgets", tuple(sorted(set(budgets))))

    def share_grid(self) -> list[float]:
        """The decoder shares, rising."""
        low, high = self.share_range
        step = (high - low) / (self.shares - 1)
        return [round(low + place * step, 6) for place in range(self.shares)]

    def design(self) -> dict[str, Any]:
        """What a continued sweep must share with its start; more seeds only add to it."""
        return {
            "budgets": list(self.budgets),
            "shares": self.share_grid(),
            "architectures": self.architectures,
            "screen": self.screen,
            "rates": self.rates,
        }


@dataclass(frozen=True, kw_only=True)
class ConfirmationConfig:
    """One confirmation of a search.

    Args:
        run_dir: The search's run directory.
        seeds: Fresh seeds for each contender; six are the least for a verdict on one comparison,
            seven on three at once.
        top: Members of the search's front that are retrained.
        rates: Learning rates tried for controls that no search has chosen one for.
        margin: Relative difference that does not matter: 0.01 is one per cent.
        presets: Presets of any family that are contenders besides, sized to the search's budget;
            `all` for each of them.
        workers: Local processes; by default as in the search.
        device: Where to train; by default as in the search.
        timeout: Seconds after which each of its runs pauses; `None` for no limit.

    Raises:
        ConfigError: A value out of its range.
    """

    run_dir: str
    seeds: int = 8
    top: int = 3
    rates: int = 4
    margin: float = 0.01
    presets: tuple[str, ...] = ()
    workers: int | None = None
    device: Device | None = None
    timeout: float | None = None

    def __post_init__(self) -> None:
        for name in ("seeds", "top", "rates"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} must be at least 1 but got {value!r}")
        names = self.presets
        if isinstance(names, str) or len(set(names)) != len(names):
            raise ConfigError(f"presets must be a tuple of distinct names but got {names!r}")
        if not 0 < self.margin < 1:
            raise ConfigError(f"margin must be between 0 and 1 but got {self.margin}")

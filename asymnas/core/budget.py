"""The hard cap on an autoencoder's size, and the counts it is held against."""

import re
from dataclasses import dataclass, fields

from asymnas.core.errors import ConfigError

MOST = 100_000_000_000
_SUFFIXES = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Trainable parameters and multiply-accumulates (MACs, one example) of each side.

    `shared_params` serve both sides (a codebook) and belong to neither.
    """

    encoder_params: int = 0
    decoder_params: int = 0
    shared_params: int = 0
    encoder_macs: int = 0
    decoder_macs: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Counts of two parts together."""
        return Counts(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )

    @property
    def total_params(self) -> int:
        """All trainable parameters."""
        return self.encoder_params + self.decoder_params + self.shared_params

    @property
    def total_macs(self) -> int:
        """MACs of encoding and decoding one example."""
        return self.encoder_macs + self.decoder_macs

    @property
    def decoder_share(self) -> float:
        """decoder / (encoder + decoder) parameters, in (0, 1)."""
        return self.decoder_params / (self.encoder_params + self.decoder_params)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Hard caps. `None` leaves a quantity uncapped.

    Args:
        total_params: Trainable parameters of the whole autoencoder.
        encoder_params: Trainable parameters of the encoder.
        decoder_params: Trainable parameters of the decoder.
        macs: MACs of encoding and decoding one example.

    Raises:
        ConfigError: A cap below one.
    """

    total_params: int
    encoder_params: int | None = None
    decoder_params: int | None = None
    macs: int | None = None

    def __post_init__(self) -> None:
        for name in ("total_params", "encoder_params", "decoder_params", "macs"):
            cap = getattr(self, name)
            if cap is not None and cap < 1:
                raise ConfigError(f"the budget's {name} must be at least 1 but got {cap}")

    def admits(self, counts: Counts) -> bool:
        """Whether every cap holds."""
        return self.used(counts) <= 1

    def used(self, counts: Counts) -> float:
        """The largest part of a cap that is used; above 1 where one is exceeded."""
        pairs = (
            (counts.total_params, self.total_params),
            (counts.encoder_params, self.encoder_params),
            (counts.decoder_params, self.decoder_params),
            (counts.total_macs, self.macs),
        )
        return max(count / cap for count, cap in pairs if cap is not None)


def parse_count(text: str) -> int:
    """Reads a count such as `150000`, `150k` or `1.5M` (k = 1,000; M = 1,000,000; G = 10⁹).

    Raises:
        ConfigError: Not a positive count.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)", text.strip().replace("_", ""), re.I)
    count = float(match[1]) * _SUFFIXES[match[2].lower()] if match else 0.0
    if count > MOST:
        raise ConfigError(f"{text!r} is beyond the largest count, {MOST:,}")
    if round(count) < 1:
        raise ConfigError(f"{text!r} is not a count: give a number such as 150000, 150k or 1.5M")
    return round(count)

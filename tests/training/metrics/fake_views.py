"""Views of networks that were never trained, made by hand."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


class Clock:
    """Time that passes only where a test lets it: real time depends on the machine's load."""

    now = 0.0

    @classmethod
    def perf_counter(cls) -> float:
        return cls.now

    @classmethod
    def sleep(cls, seconds: float) -> None:
        cls.now += seconds


class Sides:
    """An encoder and a decoder; either may take its time, by the clock of tests."""

    def __init__(self, decoder=None, seconds=0.0):
        self.decoder = decoder if decoder is not None else nn.Identity()
        self._seconds = seconds
        self.calls = []

    def encode(self, x: Tensor) -> Tensor:
        Clock.sleep(self._seconds)
        self.calls.append(("encode", len(x), torch.get_num_threads()))
        return x

    def decode(self, z: Tensor) -> Tensor:
        Clock.sleep(self._seconds)
        self.calls.append(("decode", len(z), torch.get_num_threads()))
        return self.decoder(z)


@dataclass
class FakeView:
    """Everything a metric may ask for; asking for what was not given is an error."""

    network: Sides = field(default_factory=Sides)
    inputs: Tensor | None = None
    latents: Tensor | None = None
    labels: Tensor | None = None
    train_latents: Tensor | None = None
    train_labels: Tensor | None = None
    losses: Tensor | None = None
    anomaly_losses: Tensor | None = None
    statistics: dict[str, Tensor] = field(default_factory=dict)


def classes(spread: float, n: int = 150, classes: int = 3, d: int = 4) -> FakeView:
    """Latents in clusters, one a class, blurred by `spread`."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(classes, d, generator=generator)

    def drawn() -> tuple[Tensor, Tensor]:
        labels = torch.randint(classes, (n,), generator=generator)
        return centres[labels] + spread * torch.randn(n, d, generator=generator), labels

    (train, train_labels), (held_out, labels) = drawn(), drawn()
    return FakeView(latents=held_out, labels=labels, train_latents=train, train_labels=train_labels)


def anomalies(gap: float, n: int = 60, a: int = 20) -> FakeView:
    """Losses of the rest, and higher ones of anomalies by `gap`."""
    generator = torch.Generator().manual_seed(1)
    return FakeView(
        losses=torch.rand(n, generator=generator),
        anomaly_losses=torch.rand(a, generator=generator) + gap,
    )

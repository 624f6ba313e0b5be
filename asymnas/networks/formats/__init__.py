"""Formats: how a trained network is written for use without this package, one file each.

A format writes one network, whole or one side of it, into a directory, and reads it back to compare
its outputs. What lies beside it (the description, the preprocessing, the model card) is the same
for all formats and is written elsewhere.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from asymnas.core.config import PartName
from asymnas.core.errors import AsymnasError, ExportError
from asymnas.core.registry import Registry
from asymnas.networks.architecture import Architecture
from asymnas.networks.families import FAMILIES
from asymnas.networks.kinds import Autoencoder

NAMES: dict[PartName, str] = {"whole": "autoencoder", "encoder": "encoder", "decoder": "decoder"}
BATCHES = (1, 2, 5)  # on which what was written is compared


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkPart:
    """A trained autoencoder, or one side of it, to be written.

    Args:
        architecture: Its description.
        model: The whole of it, on the CPU and in evaluation mode.
        part: What is written: all, the encoder with the bottleneck, or the decoder with the head.
    """

    architecture: Architecture
    model: Autoencoder
    part: PartName = "whole"

    @property
    def name(self) -> str:
        """What its file is called, without the suffix."""
        return NAMES[self.part]

    @property
    def module(self) -> nn.Module:
        """The part as one module of one argument."""
        if self.part == "encoder":
            return nn.Sequential(self.model.encoder, self.model.bottleneck)
        if self.part == "decoder":
            return nn.Sequential(self.model.decoder, self.model.head)
        return self.model

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one example's latent."""
        family = FAMILIES.get(self.architecture.decoder_family)
        return family.latent_shape(self.architecture.problem)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example as the part takes it."""
        return self.latent_shape if self.part == "decoder" else self.architecture.shape

    def inputs(self, batch: int) -> Tensor:
        """Random examples to try it on, `[batch, *input_shape]`."""
        generator = torch.Generator().manual_seed(batch)
        return torch.randn(batch, *self.input_shape, generator=generator)

    def check(self, written: Callable[[Tensor], Tensor], tolerance: float = 0.0) -> None:
        """Compares what was written with the module.

        Args:
            written: Computes by the files that were written.
            tolerance: Greatest difference, relative to the greatest output where that is above 1.

        Raises:
            ExportError: An output differs by more.
        """
        for batch in BATCHES:
            x = self.inputs(batch)
            with torch.inference_mode():
                wanted, got = self.module(x), written(x)
            differs = float((wanted - got).abs().max()) / max(1.0, float(wanted.abs().max()))
            if wanted.shape != got.shape or not differs <= tolerance:
                raise ExportError(
                    f"what was written computes something else: its outputs differ by {differs:.1g}"
                    f" where {tolerance:g} is allowed; report it with the architecture"
                )


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format.

    Args:
        description: What is written, in a line.
        write: Writes a part into a directory; returns the names of the files, with what each is.
        loading: Python code that loads what was written into `network` and computes `outputs` from
            `examples`, for the model card.
    """

    description: str
    write: Callable[[NetworkPart, Path], dict[str, str]]
    loading: Callable[[NetworkPart], str]


FORMATS: Registry[Format] = Registry("format", __name__, "asymnas.formats")


@contextmanager
def exporting(part: NetworkPart, format: str) -> Iterator[None]:
    """Turns whatever an exporter raises into one line.

    Args:
        part: What is written.
        format: Its name.

    Raises:
        ExportError: The block raised something.
    """
    try:
        yield
    except AsymnasError:
        raise
    except Exception as error:  # exporters raise errors of many types for layers they cannot write
        architecture = part.architecture
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ExportError(
            f"the {format} format cannot write this {architecture.family} {part.name} "
            f"({architecture.kind}): {reason}; take another format"
        ) from error

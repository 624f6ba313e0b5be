"""Published autoencoders, one file each: their structure in the space's own terms, and their split.

A preset is no copy of a network and holds no weights. It says how a published model divides its
parameters between encoder and decoder and how it builds each side, as far as a family of this
package can; `asymnas.space.sized_presets` sizes it to a budget. A preset may also be known exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asymnas.core.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One published autoencoder.

    Args:
        family: Registered family that comes nearest.
        source: Link to the paper or the code; in words where there is none.
        encoder: Structural choices of the encoder by the space's names without the side's:
            `depth`, `downsampling`, …. What is not named is the first that the space offers.
        decoder: The same for the decoder.
        params: Published parameters of encoder and decoder; `None` where they follow from the data,
            as in a network whose layers are as wide on both sides.
        drawn: Whether a search's space holds the structure.
        exact: The published network as the JSON values of an `Architecture`, if it can be built.
        usual: Whether searches of its family begin with it unless others are asked for.
        rate: Learning rate that suits it at 20,000 parameters; `None` where none was measured.
    """

    family: str
    source: str
    encoder: Mapping[str, Any]
    decoder: Mapping[str, Any]
    params: tuple[int, int] | None = None
    drawn: bool = True
    exact: Mapping[str, Any] | None = None
    usual: bool = False
    rate: float | None = None

    @property
    def decoder_share(self) -> float | None:
        """Published decoder / (encoder + decoder) parameters."""
        return self.params[1] / sum(self.params) if self.params else None


PRESETS: Registry[Preset] = Registry("preset", __name__, "asymnas.presets")

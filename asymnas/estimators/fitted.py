"""A trained network as an estimator keeps it: plain values, of which pickle stores no module."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save
from torch import Tensor

from asymnas.data.preprocessing import Preprocessing
from asymnas.networks.architecture import Architecture
from asymnas.networks.families import FAMILIES
from asymnas.networks.kinds import Autoencoder
from asymnas.training.evaluation import outputs_of


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedNetwork:
    """What new examples go through.

    It computes in float64: what becomes of an example does then not depend, to the digits that are
    returned, on which others are given with it.

    Args:
        architecture: The network.
        weights: Those it was trained to, as a safetensors file holds them.
        preprocessing: What examples go through before it.
        like: Training examples without any row: an array `[0, ...]` or a data frame.
    """

    architecture: Architecture
    weights: bytes
    preprocessing: Preprocessing
    like: Any

    @classmethod
    def of(
        cls, architecture: Architecture, network: Autoencoder, preprocessing: Preprocessing, X: Any
    ) -> "FittedNetwork":
        """Keeps a trained network.

        Args:
            architecture: Its description.
            network: On any device.
            preprocessing: What examples go through before it.
            X: Training examples.
        """
        state = {name: v.cpu().contiguous() for name, v in network.state_dict().items()}
        return cls(
            architecture=architecture,
            weights=save(state),
            preprocessing=preprocessing,
            like=X[:0].copy() if isinstance(X, np.ndarray) else X.iloc[:0].copy(),
        )

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one example's latent: `(latent,)`, or `(latent, *grid)` if spatial."""
        family = FAMILIES.get(self.architecture.decoder_family)
        return family.latent_shape(self.architecture.problem)

    def encode(self, X: Any) -> NDArray[np.float32]:
        """Latents, `[n, k]`; of spatial ones all numbers in a row.

        Raises:
            DataError: Examples of another shape, missing columns, unknown levels.
        """
        prepared = self.preprocessing.prepare(X)
        latents = outputs_of(self._network, prepared, self._network.encode)
        return latents.reshape(len(latents), -1)

    def decode(self, Z: NDArray[Any]) -> Any:
        """What the network makes of latents `[n, k]`, in the units and the form of `like`."""
        latents = torch.from_numpy(np.array(Z, dtype=np.float32)).reshape(-1, *self.latent_shape)
        outputs = outputs_of(self._network, latents, self._network.decode)
        like = self.like
        if not isinstance(like, np.ndarray):
            from pandas import RangeIndex

            like = like.reindex(RangeIndex(len(latents)))
        return self.preprocessing.restore(outputs, like)

    def errors(self, X: Any) -> NDArray[np.float32]:
        """Squared error of each example's reconstruction `[n]`, the mean over its values.

        Of values as the network sees them: standardised rows, images from 0 to 1.

        Raises:
            DataError: What `encode` raises.
        """

        def error(x: Tensor) -> Tensor:
            output: Tensor = self._network(x)
            return (output - x).square().flatten(1).mean(1)

        return outputs_of(self._network, self.preprocessing.prepare(X), error)

    @cached_property
    def _network(self) -> Autoencoder:
        network = self.architecture.build(seed=0)  # a seed: torch's global state is left alone
        network.load_state_dict(load(self.weights))
        return network.double().eval()

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the module, which is built when it is used."""
        return {name: value for name, value in self.__dict__.items() if name != "_network"}

"""The plain autoencoder: the error of its output, nothing between the sides."""

from asymnas.networks.kinds import KINDS, Kind
from asymnas.networks.kinds._reconstruction import ErrorName, reconstruction


@KINDS.register("plain")
def plain(loss: ErrorName = "mse") -> Kind:
    """Minimises an error between an example and its reconstruction.

    Args:
        loss: `mse`, squared error; `l1`, absolute error; `bce`, cross-entropy in nats of values
            from 0 to 1, for which the decoder puts out logits.
    """
    return reconstruction(loss)

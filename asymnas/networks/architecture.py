"""The description of one autoencoder: built, counted, mirrored, and stored as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

import torch
from torch import nn

from asymnas.core.budget import Counts
from asymnas.core.config import Bottleneck
from asymnas.core.errors import ConfigError
from asymnas.networks.counting import count_macs, count_params, layer_rows, shapes_only
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.initial_weights import initialise
from asymnas.networks.kinds import Autoencoder, LatentSpec, kind_of
from asymnas.networks.presets import PRESETS
from asymnas.networks.random_draws import draws_from


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The immutable description of one autoencoder.

    Args:
        family: Registered family; both sides are its configs.
        encoder: The encoder's side config.
        decoder: The decoder's side config.
        shape: Shape of one example: `(channels, height, width)` of an image, `(channels, length)`
            of a signal or `(features,)` of a row.
        latent: Latent numbers per example, or channels per position of a spatial latent.
        bottleneck: How a side is joined to the latent.
        kind: What is trained.

    Raises:
        ConfigError: An unknown name, or a family or kind that cannot serve this problem.
    """

    family: str
    encoder: Any
    decoder: Any
    shape: tuple[int, ...]
    latent: int
    bottleneck: Bottleneck = "dense"
    kind: str = "plain"

    def __post_init__(self) -> None:
        if reason := unsupported_reason(self.family, self.problem, self.kind):
            raise ConfigError(reason)

    @property
    def problem(self) -> Problem:
        """What both sides agree on."""
        return Problem(shape=self.shape, latent=self.latent, bottleneck=self.bottleneck)

    def build(self, seed: int | None = None) -> Autoencoder:
        """Makes the module with fresh weights.

        Args:
            seed: The same seed gives the same weights, in whichever thread or process; `None`
                draws from torch's global state.
        """
        if seed is None:
            return self._with_fresh_weights()
        with draws_from(torch.Generator().manual_seed(seed)):
            return self._with_fresh_weights()

    @cached_property
    def counts(self) -> Counts:
        """Exact trainable parameters and MACs of each side."""
        with shapes_only():
            model = self._assemble()
        with torch.device("meta"), torch.no_grad():
            x = torch.empty(1, *self.shape)
            encoder_macs = count_macs(model.encoder, *self._encoder_inputs(model, x))
            z = model.encode(x)
            decoder_macs = count_macs(model.decoder, z)
        return Counts(
            encoder_params=count_params(model.encoder),
            decoder_params=count_params(model.decoder),
            shared_params=count_params(model.bottleneck),
            encoder_macs=encoder_macs,
            decoder_macs=decoder_macs,
        )

    @property
    def encoder_params(self) -> int:
        """Trainable parameters of the encoder."""
        return self.counts.encoder_params

    @property
    def decoder_params(self) -> int:
        """Trainable parameters of the decoder."""
        return self.counts.decoder_params

    @property
    def decoder_share(self) -> float:
        """decoder / (encoder + decoder) parameters."""
        return self.counts.decoder_share

    def dense_fractions(self) -> tuple[float, float]:
        """Shares of the encoder's and of the decoder's parameters in dense layers."""
        with shapes_only():
            model = self._assemble()
        encoder, decoder = (
            sum(count_params(m) for m in side.modules() if isinstance(m, nn.Linear))
            / count_params(side)
            for side in (model.encoder, model.decoder)
        )
        return encoder, decoder

    def mirror(self) -> "Architecture":
        """The symmetric control: this encoder, and the decoder that mirrors it."""
        return replace(self, decoder=FAMILIES.get(self.family).mirror(self.encoder))

    def with_sides(self, encoder: Any, decoder: Any) -> "Architecture":
        """The same problem with other sides."""
        return replace(self, encoder=encoder, decoder=decoder)

    def layers(self) -> list[dict[str, Any]]:
        """Every layer that holds parameters or multiplies, in order of computation.

        Returns:
            Dicts of `side` (`encoder`, `shared` or `decoder`), `name`, `output_shape` (without the
            batch), `params` and `macs`.
        """
        with shapes_only():
            model = self._assemble()
        with torch.device("meta"), torch.no_grad():
            x = torch.empty(1, *self.shape)
            return [
                *layer_rows("encoder", model.encoder, *self._encoder_inputs(model, x)),
                *layer_rows("shared", model.bottleneck, model.encoder(x)),
                *layer_rows("decoder", model.decoder, model.encode(x)),
            ]

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` reads them back."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values |= {"encoder": asdict(self.encoder), "decoder": asdict(self.decoder)}
        plain: dict[str, Any] = json.loads(json.dumps(values))
        return plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Architecture":
        """Reads what `to_dict` wrote.

        Raises:
            ConfigError: Unknown or missing fields.
        """
        try:
            config_type = FAMILIES.get(values["family"]).config_type
            sides = {side: config_type(**_tuples(values[side])) for side in ("encoder", "decoder")}
            return cls(**_tuples({**values, **sides}))
        except (KeyError, TypeError) as error:
            raise ConfigError(f"not an architecture: {error}") from error

    def key(self) -> str:
        """Canonical text: equal for equal architectures."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @staticmethod
    def preset(name: str) -> "Architecture":
        """A published autoencoder, exactly; `scale_preset` sizes any preset to a budget.

        Raises:
            UnknownNameError: No preset has that name.
            ConfigError: The preset is known by its ratios alone.
        """
        exact = PRESETS.get(name).exact
        if exact is None:
            raise ConfigError(
                f"the preset {name!r} is known by its ratios, not as a network: size it with "
                f"asymnas.scale_preset({name!r}, shape=..., budget=...)"
            )
        return Architecture.from_dict(exact)

    def _encoder_inputs(self, model: Autoencoder, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return kind_of(self.kind).encoder_inputs(model.encoder, x)

    def _with_fresh_weights(self) -> Autoencoder:
        model = self._assemble()
        initialise(model)
        return model

    def _assemble(self) -> Autoencoder:
        family, kind = FAMILIES.get(self.family), kind_of(self.kind)
        code = kind.code_size(self.latent)
        return Autoencoder(
            family.build_encoder(self.encoder, self.problem, code),
            kind.bottleneck(self.latent),
            family.build_decoder(self.decoder, self.problem),
            kind.head(),
        )


def unsupported_reason(family: str, problem: Problem, kind: str) -> str | None:
    """Why a family cannot serve a problem or a kind cannot train it, or `None` if they can.

    Raises:
        UnknownNameError: No family or kind has that name.
    """
    entry = FAMILIES.get(family)
    if reason := entry.unsupported_reason(problem):
        return reason
    latent = LatentSpec(problem.bottleneck, problem.latent, entry.tokens(problem))
    if reason := kind_of(kind).unsupported_reason(latent):
        return f"the {kind} kind cannot train {family} here: {reason}"
    return None


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}

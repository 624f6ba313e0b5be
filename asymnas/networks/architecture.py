"""The description of one autoencoder: built, counted, mirrored, and stored as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import torch
from torch import nn

from asymnas.core.budget import Counts
from asymnas.core.checksums import checked
from asymnas.core.config import Bottleneck
from asymnas.core.errors import ConfigError
from asymnas.core.side_families import family_label, with_side_families
from asymnas.core.tables import Rows
from asymnas.core.text import by, one_line, plural, share_phrase
from asymnas.networks.counting import count_macs, count_params, layer_rows, shape_of, shapes_only
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.initial_weights import initialise
from asymnas.networks.kinds import Autoencoder, LatentSpec, kind_of
from asymnas.networks.presets import PRESETS
from asymnas.networks.random_draws import draws_from


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The immutable description of one autoencoder.

    Args:
        encoder_family: Registered family of the encoder.
        decoder_family: Registered family of the decoder.
        encoder: The encoder's side config, one of its family's.
        decoder: The decoder's side config, one of its family's.
        shape: Shape of one example: `(channels, height, width)` of an image, `(channels, length)`
            of a signal or `(features,)` of a row.
        latent: Latent numbers per example, or channels per position of a spatial latent.
        bottleneck: How a side is joined to the latent.
        kind: What is trained.

    Raises:
        UnknownNameError: No family or kind has that name.
        ConfigError: A family or the kind cannot serve this problem, or the two families cannot be
            joined by its latent.
    """

    encoder_family: str
    decoder_family: str
    encoder: Any
    decoder: Any
    shape: tuple[int, ...]
    latent: int
    bottleneck: Bottleneck = "dense"
    kind: str = "plain"

    def __post_init__(self) -> None:
        families = self.encoder_family, self.decoder_family
        if reason := unsupported_reason(*families, self.problem, self.kind):
            raise ConfigError(reason)

    @property
    def family(self) -> str:
        """The family of both sides, or `encoder/decoder` where they differ."""
        return family_label(self.encoder_family, self.decoder_family)

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
        return _sizes(self).counts

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
        return _sizes(self).dense_fractions

    def mirror(self) -> "Architecture":
        """The symmetric control: this encoder, and the decoder of its family that mirrors it."""
        family = self.encoder_family
        decoder = FAMILIES.get(family).mirror(self.encoder)
        return replace(self, decoder_family=family, decoder=decoder)

    def with_sides(self, encoder: Any, decoder: Any) -> "Architecture":
        """The same problem and families with other sides."""
        return replace(self, encoder=encoder, decoder=decoder)

    def layers(self) -> list[dict[str, Any]]:
        """Every layer that holds parameters or multiplies, in order of computation.

        Returns:
            Dicts of `side` (`encoder`, `shared` or `decoder`), `name`, `output_shape` (without the
            batch), `params` and `macs`.
        """
        with shapes_only():
            model = self._assemble()
        with torch.device("meta"):
            x = torch.empty(1, *self.shape)
            code, latent = shape_of(model.encoder, x), shape_of(model.encode, x)
            return [
                *layer_rows("encoder", model.encoder, *self._encoder_inputs(model, x)),
                *layer_rows("shared", model.bottleneck, code),
                *layer_rows("decoder", model.decoder, latent),
            ]

    def rows(self) -> Rows:
        """The layers as a table, the sum of each side after its last one."""
        counts, layers = self.counts, self.layers()
        sums = {
            "encoder": (counts.encoder_params, counts.encoder_macs),
            "shared": (counts.shared_params, 0),
            "decoder": (counts.decoder_params, counts.decoder_macs),
        }
        rows: list[tuple[str, ...]] = []
        for side, (params, macs) in sums.items():
            own = [layer for layer in layers if layer["side"] == side]
            for layer in own:
                numbers = f"{layer['params']:,}", f"{layer['macs']:,}"
                rows.append((side, layer["name"], by(layer["output_shape"]), *numbers))
            if own:
                rows.append((side, "all layers", "", f"{params:,}", f"{macs:,}"))
        return Rows(
            title=f"{self.family} autoencoder ({self.kind}) of {by(self.shape)}",
            caption=f"{plural(counts.total_params, 'parameter')}, "
            f"{share_phrase(self.decoder_share, counts.shared_params)}; "
            f"latent {self.latent} ({self.bottleneck})",
            columns=("side", "layer", "output", "parameters", "MACs"),
            rows=tuple(rows),
            words=(1, 2),
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return str(self.rows().to_html())

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` reads them back."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values |= {"encoder": asdict(self.encoder), "decoder": asdict(self.decoder)}
        plain: dict[str, Any] = json.loads(json.dumps(values))
        return plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Architecture":
        """Reads what `to_dict` wrote; both sides have the `family` that earlier versions name.

        Raises:
            ConfigError: Unknown or missing fields.
            DamageError: Its checksum, which `best/architecture.json` has, does not agree with it.
        """
        try:
            given = with_side_families(checked(values, "the architecture"))
            given.pop("family", None)
            for side in ("encoder", "decoder"):
                config_type = FAMILIES.get(given[f"{side}_family"]).config_type
                given[side] = config_type(**_tuples(given[side]))
            return cls(**_tuples(given))
        except (AttributeError, KeyError, TypeError) as error:
            raise ConfigError(f"not an architecture: {one_line(error)}") from error

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

    def _built_sizes(self) -> "_Sizes":
        with shapes_only():
            model = self._assemble()
        x = torch.empty(1, *self.shape, device="meta")
        with torch.no_grad():
            latent = FAMILIES.get(self.decoder_family).latent_shape(self.problem)
            if self.bottleneck == "spatial":  # an encoder made by hand may have other positions
                latent = (self.latent, *shape_of(model.encoder, x).shape[2:])
            z = torch.empty(1, *latent, device="meta")
            encoder_macs = count_macs(model.encoder, *self._encoder_inputs(model, x))
            decoder_macs = count_macs(model.decoder, z)
        counts = Counts(
            encoder_params=count_params(model.encoder),
            decoder_params=count_params(model.decoder),
            shared_params=count_params(model.bottleneck),
            encoder_macs=encoder_macs,
            decoder_macs=decoder_macs,
        )
        encoder_dense, decoder_dense = (
            sum(count_params(m) for m in side.modules() if isinstance(m, nn.Linear))
            for side in (model.encoder, model.decoder)
        )
        return _Sizes(
            counts,
            (encoder_dense / counts.encoder_params, decoder_dense / counts.decoder_params),
        )

    def _encoder_inputs(self, model: Autoencoder, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return kind_of(self.kind).encoder_inputs(model.encoder, x)

    def _with_fresh_weights(self) -> Autoencoder:
        model = self._assemble()
        initialise(model)
        return model

    def _assemble(self) -> Autoencoder:
        kind = kind_of(self.kind)
        code = kind.code_size(self.latent)
        return Autoencoder(
            FAMILIES.get(self.encoder_family).build_encoder(self.encoder, self.problem, code),
            kind.bottleneck(self.latent),
            FAMILIES.get(self.decoder_family).build_decoder(self.decoder, self.problem),
            kind.head(),
        )


class _Sizes(NamedTuple):
    """What building an architecture without memory shows."""

    counts: Counts
    dense_fractions: tuple[float, float]


@lru_cache(maxsize=10_000)
def _sizes(architecture: Architecture) -> _Sizes:
    """Kept by architecture: equal ones are read from a table or drawn again and again."""
    return architecture._built_sizes()


def unsupported_reason(
    encoder_family: str, decoder_family: str, problem: Problem, kind: str
) -> str | None:
    """Why two families cannot serve a problem or a kind cannot train them, or `None` if they can.

    Raises:
        UnknownNameError: No family or kind has that name.
    """
    encoder, decoder = FAMILIES.get(encoder_family), FAMILIES.get(decoder_family)
    for family in (encoder, decoder):
        if reason := family.unsupported_reason(problem):
            return reason
    mixed = encoder_family != decoder_family
    if mixed and problem.bottleneck == "spatial":
        return (
            f"an encoder of {encoder_family} and a decoder of {decoder_family} need a latent "
            "vector between them: take a dense or a pooled bottleneck, or one family for both sides"
        )
    tokens = 0 if mixed else encoder.tokens(problem)
    latent = LatentSpec(problem.bottleneck, problem.latent, tokens)
    if reason := kind_of(kind).unsupported_reason(latent):
        label = family_label(encoder_family, decoder_family)
        return f"the {kind} kind cannot train {label} here: {reason}"
    return None


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}

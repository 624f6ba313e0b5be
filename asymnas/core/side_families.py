"""The families of both sides by name: in words, and as earlier versions stored them."""

from collections.abc import Mapping
from typing import Any

from asymnas.core.columns import DECODER_FAMILY, ENCODER_FAMILY


def family_label(encoder_family: str, decoder_family: str) -> str:
    """`conv2d` where both sides have it, `dense/conv2d` (encoder/decoder) where they differ."""
    if encoder_family == decoder_family:
        return encoder_family
    return f"{encoder_family}/{decoder_family}"


def with_side_families(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON values of an architecture or a configuration with a family for each side.

    Args:
        stored: As this version wrote them, or an earlier one, which had one `family` for both.
    """
    if (family := stored.get("family")) is None:
        return dict(stored)
    return {ENCODER_FAMILY: family, DECODER_FAMILY: family, **stored}

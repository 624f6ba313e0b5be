"""Published autoencoders, one file each, as the JSON values of an `Architecture`."""

from collections.abc import Mapping
from typing import Any

from asymnas.registry import Registry

PRESETS: Registry[Mapping[str, Any]] = Registry("preset", __name__)

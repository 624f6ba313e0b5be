"""python -m asymnas.list: what there is of a kind of thing, one line each."""

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from asymnas.core.cli import OK, serve

if TYPE_CHECKING:
    from asymnas.core.registry import Registry

Things = Literal[
    "families",
    "kinds",
    "upsampling",
    "downsampling",
    "presets",
    "metrics",
    "pruners",
    "datasets",
    "formats",
]

#: Where each registry is: its module and its name there.
REGISTRIES: dict[Things, tuple[str, str]] = {
    "families": ("networks.families", "FAMILIES"),
    "kinds": ("networks.kinds", "KINDS"),
    "upsampling": ("networks.upsampling", "UPSAMPLINGS"),
    "downsampling": ("networks.downsampling", "DOWNSAMPLINGS"),
    "presets": ("networks.presets", "PRESETS"),
    "metrics": ("training.metrics", "METRICS"),
    "pruners": ("runs.pruners", "PRUNERS"),
    "datasets": ("data.base", "DATASETS"),
    "formats": ("networks.formats", "FORMATS"),
}


def list(
    things: Annotated[Things, Parameter(help="What to list")],
    /,
) -> int:
    """List what there is of a kind of thing, plug-ins included, one line each."""
    registry = registry_of(things)
    names = registry.names()
    width = max(map(len, names))
    for name in names:
        print(f"{name:{width}}  {registry.description(name)}")
    return OK


def registry_of(things: Things) -> "Registry[Any]":
    """The registry of a kind of thing; the one that is asked for is imported."""
    module, name = REGISTRIES[things]
    registry: Registry[Any] = getattr(import_module(f"asymnas.{module}"), name)
    return registry


if __name__ == "__main__":
    serve(list)

"""A program of `torch.export`: runs in PyTorch without this package, and compiles ahead of time.

The exporter is PyTorch's compiler, which takes seconds to import: it is imported here only, when an
export is asked for.
"""

from pathlib import Path
from typing import Any

from asymnas.core.files import whole_file
from asymnas.networks.formats import FORMATS, Format, NetworkPart, exporting


def program(part: NetworkPart) -> Any:
    """The part as an `ExportedProgram` that takes any batch.

    Raises:
        ExportError: A layer cannot be exported.
    """
    import torch.export

    with exporting(part, "torch-export"):
        return torch.export.export(
            part.module,
            (part.inputs(3),),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            strict=False,
        )


def _write(part: NetworkPart, directory: Path) -> dict[str, str]:
    import torch.export

    name = f"{part.name}.pt2"
    exported = program(part)
    with exporting(part, "torch-export"):
        with whole_file(directory / name) as file:
            torch.export.save(exported, file)
        part.check(torch.export.load(directory / name).module())
    return {name: f"the {part.name} as a program of torch.export, batches of any size"}


def _loading(part: NetworkPart) -> str:
    return f"""\
import torch

network = torch.export.load("{part.name}.pt2").module()
outputs = network(examples)"""


FORMATS.register("torch-export")(
    Format(
        description="a program of torch.export, for PyTorch alone",
        write=_write,
        loading=_loading,
    )
)

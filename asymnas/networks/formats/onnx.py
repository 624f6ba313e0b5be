"""ONNX, by PyTorch's exporter; checked against onnxruntime when it is written."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from asymnas.core.errors import ExportError
from asymnas.core.files import whole_file
from asymnas.networks.formats import FORMATS, Format, NetworkPart, exporting
from asymnas.networks.formats.torch_export import program

TOLERANCE = 1e-5  # of outputs; runtimes sum in another order
NEEDED = ("onnx", "onnxscript", "onnxruntime")


def _write(part: NetworkPart, directory: Path) -> dict[str, str]:
    if lacking := [package for package in NEEDED if find_spec(package) is None]:
        raise ExportError(
            f'the onnx format needs {" and ".join(lacking)}: pip install "asymnas[onnx]"'
        )
    name = f"{part.name}.onnx"
    exported = program(part)
    with exporting(part, "onnx"):
        written: Any = torch.onnx.export(
            exported,
            dynamo=True,
            verbose=False,
            input_names=["examples"],
            output_names=["outputs"],
        )
        with whole_file(directory / name) as file:
            file.write(written.model_proto.SerializeToString())
        part.check(_Session(directory / name), TOLERANCE)
    return {name: f"the {part.name}, batches of any size; input examples, output outputs"}


class _Session:
    """Computes by onnxruntime."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def __call__(self, x: Tensor) -> Tensor:
        (outputs,) = self._session.run(None, {"examples": x.numpy()})
        return torch.from_numpy(outputs)


def _loading(part: NetworkPart) -> str:
    return f"""\
import onnxruntime

network = onnxruntime.InferenceSession("{part.name}.onnx", providers=["CPUExecutionProvider"])
(outputs,) = network.run(None, {{"examples": examples.numpy()}})"""


FORMATS.register("onnx")(
    Format(
        description="ONNX, for runtimes on any device",
        write=_write,
        loading=_loading,
    )
)

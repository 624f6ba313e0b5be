"""Weights alone, by their names in this package; the architecture beside them says of what."""

from pathlib import Path

from safetensors.torch import save

from asymnas.core.files import write_whole
from asymnas.networks.formats import FORMATS, Format, NetworkPart

WEIGHTS = "weights.safetensors"
_SIDES = {
    "whole": ("encoder", "bottleneck", "decoder", "head"),
    "encoder": ("encoder", "bottleneck"),
    "decoder": ("decoder", "head"),
}


def _write(part: NetworkPart, directory: Path) -> dict[str, str]:
    state = {
        name: values.contiguous()
        for name, values in part.model.state_dict().items()
        if name.partition(".")[0] in _SIDES[part.part]
    }
    write_whole(directory / WEIGHTS, save(state))
    return {WEIGHTS: "the weights"}


def _loading(part: NetworkPart) -> str:
    strict = "" if part.part == "whole" else ", strict=False"
    call = {"whole": "network", "encoder": "network.encode", "decoder": "network.decode"}
    return f"""\
import json
from pathlib import Path
from asymnas import Architecture  # pip install asymnas
from safetensors.torch import load_file

description = json.loads(Path("architecture.json").read_text())
network = Architecture.from_dict(description).build().eval()
network.load_state_dict(load_file("{WEIGHTS}"){strict})
outputs = {call[part.part]}(examples)"""


FORMATS.register("safetensors")(
    Format(
        description="weights as safetensors, for this package",
        write=_write,
        loading=_loading,
    )
)

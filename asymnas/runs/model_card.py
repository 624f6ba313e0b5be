"""The model card of an exported network: what it is, where it comes from, how to use it."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import NamedTuple

from asymnas.core.tables import Rows
from asymnas.core.text import by, percent, plural
from asymnas.data.preprocessing import Preprocessing
from asymnas.networks.formats import NetworkPart


class Fact(NamedTuple):
    """One line on where a network comes from."""

    name: str
    value: str


def model_card(
    part: NetworkPart,
    loading: str,
    files: Mapping[str, str],
    preprocessing: Preprocessing | None,
    facts: Sequence[Fact],
) -> str:
    """The card as Markdown.

    Args:
        part: What was written.
        loading: Python code that loads it and computes `outputs` from `examples`.
        files: What each file beside the card is.
        preprocessing: What examples go through before the network.
        facts: Where the network comes from.
    """
    architecture = part.architecture
    shape = by(architecture.shape)
    sections = [
        f"# {architecture.family} autoencoder of {shape}",
        _opening(part),
        _sizes(part).to_markdown(),
        "## Where it comes from",
        Rows(columns=("what", "value"), rows=tuple(facts), words=(1,)).to_markdown()
        if facts
        else "Nothing is recorded.",
        "## Files",
        "\n".join(f"- `{name}`: {what}" for name, what in files.items()),
        "## How to load it",
        f"`examples` are float32, `[n, {', '.join(map(str, part.input_shape))}]`.",
        f"```python\n{loading}\n```",
        "## Preprocessing",
        _preprocessing(part, preprocessing),
        "## Layers",
        architecture.rows().to_markdown(),
    ]
    return "\n\n".join(sections) + "\n"


def _opening(part: NetworkPart) -> str:
    architecture, counts = part.architecture, part.architecture.counts
    whole = (
        f"An autoencoder of {plural(counts.total_params, 'parameter')}, "
        f"{percent(counts.decoder_share)} of both sides' in the decoder; latent "
        f"{by(part.latent_shape)}, {architecture.bottleneck} bottleneck, kind "
        f"{architecture.kind}. Its architecture was found by asymnas {version('asymnas')}, a "
        "search for encoders and decoders of unlike size."
    )
    return whole if part.part == "whole" else f"The {part.part} alone. {whole}"


def _sizes(part: NetworkPart) -> Rows:
    counts = part.architecture.counts
    rows = [
        ("encoder", counts.encoder_params, counts.encoder_macs),
        ("decoder", counts.decoder_params, counts.decoder_macs),
    ]
    if counts.shared_params:
        rows.insert(1, ("codebook", counts.shared_params, 0))
    rows.append(("together", counts.total_params, counts.total_macs))
    return Rows(
        columns=("side", "parameters", "MACs per example"),
        rows=tuple((side, f"{params:,}", f"{macs:,}") for side, params, macs in rows),
    )


def _preprocessing(part: NetworkPart, preprocessing: Preprocessing | None) -> str:
    if preprocessing is None:
        return "None is recorded: give examples as they were in training."
    before, after = _code(preprocessing)
    parts = []
    if part.part != "decoder":
        parts.append(f"From `data` in their own units to `examples`:\n\n```python\n{before}\n```")
    if part.part != "encoder":
        parts.append(f"From `outputs` to values in those units:\n\n```python\n{after}\n```")
    return "\n\n".join(parts)


_READ = """\
import json
from pathlib import Path
import numpy as np
import torch

fitted = json.loads(Path("preprocessing.json").read_text())"""

_BYTES = (
    """\
import numpy as np
import torch

examples = torch.from_numpy(np.asarray(data)).float() / {white}  # whole numbers, 0 to {white}""",
    "values = np.rint(np.clip(np.asarray(outputs) * {white}, 0, {white})).astype(np.uint8)",
)
_AS_THEY_ARE = (
    "import numpy as np\nimport torch\n\n"
    'examples = torch.from_numpy(np.asarray(data, dtype="float32"))',
    "values = np.asarray(outputs)",
)
_SCALED = (
    f"""{_READ}
examples = np.asarray(data)
for scaling in fitted["scalings"]:
    examples = (examples - np.array(scaling["offset"])) / np.array(scaling["scale"])
    examples = examples.astype("float32")
examples = torch.from_numpy(examples)""",
    """\
values = np.asarray(outputs)
for scaling in reversed(fitted["scalings"]):
    values = values * np.array(scaling["scale"]) + np.array(scaling["offset"])""",
)
_TABLE = (
    f"""{_READ}["table"]
columns = []
for column in fitted["columns"]:  # numbers; dates as days since 1970; text without gaps
    cells = data[column["name"]]
    if column["kind"] == "levels":
        columns += [cells == level for level in column["levels"]]
        columns += [~cells.isin(column["levels"])] if column["other"] else []
    else:
        columns.append(cells.fillna(column["fill"]))
examples = (np.column_stack(columns).astype(float) - fitted["mean"]) / fitted["scale"]
examples = torch.from_numpy(examples.astype("float32"))""",
    """\
# a column of ones and zeros per level, in the order of `columns` above
values = np.asarray(outputs) * np.array(fitted["scale"]) + np.array(fitted["mean"])""",
)


def _code(preprocessing: Preprocessing) -> tuple[str, str]:
    """Python code from data to examples, and from outputs to values."""
    if preprocessing.table is not None:
        return _TABLE
    if preprocessing.bytewise:
        before, after = (text.format(white=preprocessing.white) for text in _BYTES)
        return before, after
    return _SCALED if preprocessing.scalings else _AS_THEY_ARE

"""Writing a trained network for use elsewhere: a directory with a model card.

Whatever the format, the directory holds the description of the architecture, the preprocessing if
there is one, and a README.md that says what the network is and how to load it.
"""

import json
import tempfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from asymnas.core.errors import ConfigError
from asymnas.core.files import expanded, made_folder, write_whole
from asymnas.data.preprocessing import Preprocessing
from asymnas.networks.formats import FORMATS, NAMES, NetworkPart
from asymnas.runs.model_card import Fact, model_card

ARCHITECTURE = "architecture.json"
PREPROCESSING = "preprocessing.json"
CARD = "README.md"


def write_export(
    part: NetworkPart,
    out: str | PathLike[str],
    format: str,
    *,
    preprocessing: Preprocessing | None,
    facts: Sequence[Fact],
) -> Path:
    """Writes a network, whole or not at all, into a new directory.

    Args:
        part: What to write.
        out: The directory; it is made, and must be empty if it exists.
        format: Registered name.
        preprocessing: What examples go through before the network; `None` if nothing is known.
        facts: What the model card says of where the network comes from.

    Returns:
        The directory.

    Raises:
        UnknownNameError: No format has that name.
        ConfigError: There is no such part, or the directory holds something.
        ExportError: The format cannot write this network, or needs a package that is not there.
    """
    if part.part not in NAMES:
        raise ConfigError(f"part must be {', '.join(NAMES)} but got {part.part!r}")
    chosen, place = FORMATS.get(format), expanded(out)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise ConfigError(f"{place} is there already: give a new or empty directory to export to")
    made_folder(place.parent)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}.") as folder:
        draft = Path(folder) / "export"
        draft.mkdir()
        files = chosen.write(part, draft)
        description = json.dumps(part.architecture.to_dict(), indent=2) + "\n"
        write_whole(draft / ARCHITECTURE, description)
        files[ARCHITECTURE] = "the architecture, as `asymnas show` reads it"
        if preprocessing is not None:
            write_whole(draft / PREPROCESSING, preprocessing.to_text() + "\n")
            files[PREPROCESSING] = "what examples go through before the network"
        card = model_card(part, chosen.loading(part), files, preprocessing, facts)
        write_whole(draft / CARD, card)
        if place.exists():
            place.rmdir()
        draft.rename(place)
    return place

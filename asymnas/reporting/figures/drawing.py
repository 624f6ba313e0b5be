"""An autoencoder drawn as an hourglass: how the data narrow to the latent and widen again."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from asymnas.core.text import by, percent, plural, short
from asymnas.reporting.figures.style import FONT, LIGHT

WIDTH = 480
MIDDLE = 246  # the hourglass's axis
NARROWEST, WIDEST = 36, 216
ROW = 34
HEADING = 30
CAPTION = 30
LONGEST_NAME = 20


def architecture_drawing(
    layers: Sequence[Mapping[str, Any]], latent: Sequence[int] | None = None
) -> Markup:
    """The layers from top to bottom as one inline SVG.

    Each layer is a trapezoid from the size of what enters to the size of what leaves, log scale;
    on its left its name and output shape, on its right its parameters, as a number and as a bar
    that is linear, so that it shows where the parameters lie. Colours follow the page through CSS
    variables of the roles in `style.LIGHT` and fall back on the light palette.

    Args:
        layers: In order of the data's flow, each with `side` (`encoder` or `decoder`; `shared` for
            what serves both), `name`, `output_shape` (without the batch), `params` and `macs` (of
            one example). The last layer puts out the data's shape.
        latent: The shape of the latent; by default what the layer before the decoder puts out.

    Returns:
        `<svg>…</svg>` of 480 units across; empty if there are no layers.
    """
    if not layers:
        return Markup("")
    sizes = [math.prod(layer["output_shape"]) for layer in layers]
    ends = (min(sizes), max(sizes))
    entering = [sizes[-1], *sizes[:-1]]
    most = max(max(int(layer["params"]) for layer in layers), 1)
    total = sum(int(layer["params"]) for layer in layers)
    data = by(layers[-1]["output_shape"])
    parts, top, side = [_caption(0, f"data {data}", "muted")], CAPTION, ""
    for place, layer in enumerate(layers):
        if layer["side"] != side:
            if layer["side"] == "decoder" and place:
                met = by(latent or layers[place - 1]["output_shape"])
                parts.append(_caption(top, f"latent {met}", "ink", 650))
                top += CAPTION
            side = str(layer["side"])
            parts.append(_heading(top, side, layers, total))
            top += HEADING
        parts.append(_layer(top, layer, entering[place], sizes[place], ends, most))
        top += ROW
    parts.append(_caption(top, f"reconstruction {data}", "muted"))
    top += CAPTION
    summary = ", ".join(_side_words(name, layers, total) for name in _sides(layers))
    svg = Markup(
        '<svg class="hourglass" viewBox="0 0 {} {}" role="img" xmlns="http://www.w3.org/2000/svg" '
        'font-family="{}" font-size="12.5"><title>The architecture, layer by layer: {}</title>{}'
        "</svg>"
    )
    return svg.format(WIDTH, top, FONT, summary, Markup("").join(parts))


def _sides(layers: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(layer["side"]) for layer in layers))


def _side_words(side: str, layers: Sequence[Mapping[str, Any]], total: int) -> str:
    params = sum(int(layer["params"]) for layer in layers if layer["side"] == side)
    macs = sum(int(layer["macs"]) for layer in layers if layer["side"] == side)
    share = f" ({percent(params / total)})" if total else ""
    return f"{side} {plural(params, 'parameter')}{share}, {short(macs)} MACs"


def _width(size: int, ends: tuple[int, int]) -> float:
    """Width of an activation: the smallest is `NARROWEST`, the largest `WIDEST`, log between."""
    smallest, largest = (math.log(max(end, 1)) for end in ends)
    place = (math.log(max(size, 1)) - smallest) / (largest - smallest or 1)
    return NARROWEST + place * (WIDEST - NARROWEST)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _side_role(side: str) -> str:
    return side if side in ("encoder", "decoder") else "front"


def _role(name: str) -> str:
    return f"var(--{name},{LIGHT[name]})"


def _text(x: float, y: float, words: str, role: str, more: str = "") -> Markup:
    return Markup('<text x="{:g}" y="{:g}" style="fill:{}" {}>{}</text>').format(
        x, y, _role(role), Markup(more), words
    )


def _caption(top: float, words: str, role: str, weight: int = 400) -> Markup:
    return _text(MIDDLE, top + 19, words, role, f'text-anchor="middle" font-weight="{weight}"')


def _heading(top: float, side: str, layers: Sequence[Mapping[str, Any]], total: int) -> Markup:
    name, _, rest = _side_words(side, layers, total).partition(" ")
    line = Markup('<line x1="0" x2="{}" y1="{}" y2="{}" style="stroke:{}"/>')
    return (
        _text(0, top + 19, name.capitalize(), _side_role(side), 'font-weight="650" font-size="14"')
        + _text(WIDTH, top + 19, rest, "muted", 'text-anchor="end"')
        + line.format(WIDTH, top + 25, top + 25, _role("grid"))
    )


def _layer(
    top: float,
    layer: Mapping[str, Any],
    entering: int,
    leaving: int,
    ends: tuple[int, int],
    most: int,
) -> Markup:
    above, below = _width(entering, ends) / 2, _width(leaving, ends) / 2
    y0, y1 = top + 1, top + ROW - 1
    corners = (
        f"{MIDDLE - above:.1f},{y0:g} {MIDDLE + above:.1f},{y0:g} "
        f"{MIDDLE + below:.1f},{y1:g} {MIDDLE - below:.1f},{y1:g}"
    )
    params = int(layer["params"])
    bar = 96 * params / most
    tip = (
        f"{layer['name']}: {by(layer['output_shape'])}, {plural(params, 'parameter')}, "
        f"{short(int(layer['macs']))} MACs"
    )
    color = _role(_side_role(str(layer["side"])))
    polygon = Markup('<polygon points="{}" style="fill:{}" fill-opacity="0.82"/>')
    rect = Markup('<rect x="{:.1f}" y="{:g}" width="{:.1f}" height="4" style="fill:{}"/>')
    return Markup("<g><title>{}</title>{}</g>").format(
        tip,
        polygon.format(corners, color)
        + _text(0, top + 15, _cut(str(layer["name"])), "ink")
        + _text(0, top + 29, by(layer["output_shape"]), "muted", 'font-size="11"')
        + _text(WIDTH, top + 16, f"{params:,}", "ink", 'text-anchor="end"')
        + rect.format(WIDTH - bar, top + 21, bar, color),
    )

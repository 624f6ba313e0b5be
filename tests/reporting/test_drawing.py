import re
from itertools import pairwise
from xml.etree import ElementTree

from asymnas.reporting.figures.drawing import architecture_drawing

SVG = "{http://www.w3.org/2000/svg}"
LAYERS = [
    {"side": side, "name": name, "output_shape": shape, "params": params, "macs": macs}
    for side, name, shape, params, macs in (
        ("encoder", "conv5 s2", (12, 14, 14), 312, 61_152),
        ("encoder", "linear", (16,), 37_648, 37_632),
        ("decoder", "linear", (32, 7, 7), 26_656, 25_088),
        ("decoder", "pixel shuffle <&>", (1, 28, 28), 724, 141_120),
    )
]


def shape(*extents: int) -> str:
    return "\N{MULTIPLICATION SIGN}".join(map(str, extents))


def drawn(layers):
    return ElementTree.fromstring(architecture_drawing(layers))


def texts(svg) -> list[str]:
    return [text.text for text in svg.iter(f"{SVG}text")]


def widths(svg) -> list[tuple[float, float]]:
    """Upper and lower width of each trapezoid."""
    found = []
    for polygon in svg.iter(f"{SVG}polygon"):
        x = [float(point.split(",")[0]) for point in polygon.get("points").split()]
        found.append((x[1] - x[0], x[2] - x[3]))
    return found


def test_every_layer_is_named_with_shape_and_parameters():
    words = texts(drawn(LAYERS))
    assert words.count("linear") == 2
    for expected in (
        "conv5 s2",
        shape(12, 14, 14),
        "312",
        "37,648",
        "pixel shuffle <&>",
        "latent 16",
    ):
        assert expected in words
    assert f"data {shape(1, 28, 28)}" in words
    assert f"reconstruction {shape(1, 28, 28)}" in words


def test_sides_are_headed_by_their_share_of_the_parameters():
    words = texts(drawn(LAYERS))
    assert "Encoder" in words
    assert "37,960 parameters (58\xa0%), 98.8k MACs" in words
    assert "27,380 parameters (42\xa0%), 166k MACs" in words


def test_trapezoids_join_and_the_latent_is_the_waist():
    found = widths(drawn(LAYERS))
    for (_, lower), (upper, _) in pairwise(found):
        assert abs(lower - upper) < 0.3
    assert min(w for pair in found for w in pair) == found[1][1]
    assert max(w for pair in found for w in pair) == found[0][1]


def test_bars_are_linear_in_parameters():
    bars = [float(rect.get("width")) for rect in drawn(LAYERS).iter(f"{SVG}rect")]
    assert max(bars) == bars[1]
    assert abs(bars[2] / bars[1] - 26_656 / 37_648) < 0.01


def test_it_is_readable_without_sight_and_follows_the_page():
    text = architecture_drawing(LAYERS)
    assert 'role="img"' in text
    assert "encoder 37,960 parameters" in drawn(LAYERS).find(f"{SVG}title").text
    assert re.search(r"var\(--encoder,#[0-9a-f]{6}\)", text)


def test_no_layers_one_layer_shared_layers_and_no_parameters():
    assert architecture_drawing([]) == ""
    alone = {"side": "encoder", "name": "x" * 60, "output_shape": (1,), "params": 0, "macs": 0}
    assert any(word.endswith("…") for word in texts(drawn([alone])))
    shared = {**alone, "side": "shared", "name": "codebook", "output_shape": (16,)}
    words = texts(drawn([*LAYERS[:2], shared, *LAYERS[2:]]))
    assert words.count("latent 16") == 1
    assert "Shared" in words

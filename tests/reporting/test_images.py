import io

import numpy as np
import pytest

from asymnas.core.errors import ConfigError
from asymnas.reporting.pictures import side_by_side
from asymnas.training.reconstructions import read_labels, reconstruction_rows


def pixels(originals, outputs):
    return np.asarray(
        reconstruction_rows({"originals": np.asarray(originals), "outputs": np.asarray(outputs)})
    )


def test_originals_are_above_their_reconstructions_enlarged_without_smoothing():
    x = np.zeros((3, 1, 8, 8))
    x[1] = 1.0
    x[2, 0, :4] = 1.0
    grid = pixels(x, 1 - x)
    assert grid.shape == (2 * 80 + 2, 3 * 80 + 2 * 6, 4)
    top, bottom = grid[:80], grid[82:]
    for column, expected in ((0, 0), (86, 255)):
        assert (top[:, column : column + 80, :3] == expected).all()
        assert (bottom[:, column : column + 80, :3] == 255 - expected).all()
    assert (top[:40, 172:252, 0] == 255).all()
    assert (top[40:, 172:252, 0] == 0).all()
    assert (grid[80:82, :, 3] == 0).all()  # transparent between


def test_values_are_clipped_to_the_originals_and_nan_is_the_lowest():
    x = np.array([[[[0.0, 2.0]]]])
    out = np.array([[[[np.nan, 99.0]]]])
    grid = pixels(x, out)
    middle = grid.shape[1] // 4
    assert grid[-1, middle, 0] == 0
    assert grid[-1, -middle, 0] == 255
    assert grid[0, -middle, 0] == 255


def test_three_channels_are_colours_and_two_show_the_first():
    x = np.zeros((1, 3, 4, 4))
    x[0, 2] = 1.0
    assert tuple(pixels(x, x)[0, 0]) == (0, 0, 255, 255)
    two = np.zeros((1, 2, 4, 4))
    two[0, 1] = 1.0
    assert tuple(pixels(two, two)[0, 0]) == (0, 0, 0, 255)


def test_large_images_are_shrunk():
    x = np.random.default_rng(0).random((2, 3, 300, 600))
    assert pixels(x, x).shape == (2 * 128 + 2, 2 * 256 + 6, 4)


@pytest.mark.parametrize(("d", "width"), [(1, 720), (64, 704), (720, 720), (5_000, 720)])
def test_vectors_are_pairs_of_strips(d, width):
    x = np.linspace(0, 1, 3 * d).reshape(3, d)
    grid = pixels(x, x)
    assert grid.shape == (3 * 46 + 2 * 10, width, 4)
    assert (grid[:22] == grid[24:46]).all()
    assert (grid[46:56, :, 3] == 0).all()


def test_a_sequence_shows_every_channel_as_a_line():
    x = np.zeros((1, 2, 10))
    x[0, 1] = 1.0
    grid = pixels(x, x)
    assert tuple(grid[0, 0, :3]) != tuple(grid[21, 0, :3])


def test_constant_originals_are_coped_with():
    assert (pixels(np.ones((1, 1, 4, 4)), np.ones((1, 1, 4, 4)))[0, 0, :3] == 0).all()


def test_errors_say_what_was_given():
    with pytest.raises(ConfigError, match=r"share a shape but have \(2, 3\), \(2, 4\)"):
        pixels(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ConfigError, match=r"have shape \(3,\)"):
        pixels(np.zeros(3), np.zeros(3))
    with pytest.raises(ConfigError, match=r"have shape \(0, 3\)"):
        pixels(np.zeros((0, 3)), np.zeros((0, 3)))


def test_any_number_of_rows_is_stacked_below_the_originals_and_scaled_by_them():
    x = np.zeros((3, 1, 8, 8))
    x[1] = 1.0
    stacked = np.asarray(reconstruction_rows({"original": x, "symmetric": x + 5, "best": 1 - x}))
    assert stacked.shape == (3 * 80 + 2 * 2, 3 * 80 + 2 * 6, 4)
    assert [stacked[row, 0, 0] for row in (0, 82, 164)] == [0, 255, 255]
    assert [stacked[row, 86, 0] for row in (0, 82, 164)] == [255, 255, 0]


def test_strips_of_one_vector_stay_together():
    x = np.linspace(0, 1, 30).reshape(3, 10)
    stacked = np.asarray(reconstruction_rows({"original": x, "symmetric": x, "best": 1 - x}))
    assert stacked.shape[0] == 3 * (3 * 22 + 2 * 2) + 2 * 10
    assert (stacked[:22] == stacked[24:46]).all()
    assert (stacked[:22] != stacked[48:70]).any()


def test_rows_must_be_there_and_alike():
    with pytest.raises(ConfigError, match="rows must hold the originals at least but is empty"):
        reconstruction_rows({})
    with pytest.raises(
        ConfigError, match=r"original and best must share a shape but have \(2, 3\)"
    ):
        reconstruction_rows({"original": np.zeros((2, 3)), "best": np.zeros((2, 4))})


@pytest.mark.parametrize(
    ("shape", "strips"), [((2, 1, 4, 4), False), ((2, 2, 9), True), ((2, 4), True)]
)
def test_a_picture_side_by_side_knows_its_rows(shape, strips):
    rows = {"original": np.zeros(shape), "symmetric": np.ones(shape), "best": np.ones(shape)}
    picture = side_by_side(rows, "Seen.")
    assert picture.png.startswith(b"\x89PNG")
    labels = ("original", "symmetric", "error", "best", "error")
    assert (picture.labels, picture.strips) == (labels, strips)
    assert picture.caption == "Seen."


def test_a_picture_of_an_earlier_version_has_no_names():
    png = io.BytesIO()
    reconstruction_rows({"original": np.zeros((2, 1, 4, 4))}).save(png, "PNG")
    assert read_labels(png.getvalue()) == ((), False)


@pytest.mark.parametrize("shape", [(3, 1, 8, 8), (3, 3, 8, 8), (3, 2, 8), (3, 8)])
def test_errors_are_on_one_scale_below_what_they_are_of(shape):
    """Black where nothing differs, brightest from a quarter of the originals' range on."""
    x = np.zeros(shape)
    x[0] = 4.0  # the range is 0 to 4
    far, near = x.copy(), x.copy()
    far[1], far[2] = 1.0, 4.0
    near[1] = 0.5
    shown = np.asarray(reconstruction_rows({"x": x, "far": far, "near": near}, errors=True)).astype(
        int
    )
    if len(shape) == 4:
        rows = shown.reshape(-1, *shown.shape[1:])[[40 + 82 * row for row in range(5)]]
        of = {row: [tuple(rows[row][40 + 86 * n][:3]) for n in range(3)] for row in (2, 4)}
    else:
        group = 5 * 22 + 4 * 2 + 10
        of = {
            row: [tuple(shown[group * n + 24 * row + 10, 3, :3]) for n in range(3)]
            for row in (2, 4)
        }
    black, bright = of[2][0], of[2][2]
    assert sum(black) < 10
    assert sum(bright) > 600
    assert of[2][1] == bright  # a quarter of the range
    assert of[4][0] == of[4][2] == black
    assert sum(black) < sum(of[4][1]) < sum(bright)

import numpy as np
import pytest

from asymnas.core.errors import ConfigError
from asymnas.reporting.pictures import side_by_side
from asymnas.training.reconstructions import reconstruction_grid, reconstruction_rows


def pixels(originals, outputs):
    return np.asarray(reconstruction_grid(np.asarray(originals), np.asarray(outputs)))


def test_originals_are_above_their_reconstructions_enlarged_without_smoothing():
    x = np.zeros((3, 1, 8, 8))
    x[1] = 1.0
    x[2, 0, :4] = 1.0
    grid = pixels(x, 1 - x)
    assert grid.shape == (2 * 64 + 2, 3 * 64 + 2 * 6, 4)
    top, bottom = grid[:64], grid[66:]
    for column, expected in ((0, 0), (70, 255)):
        assert (top[:, column : column + 64, :3] == expected).all()
        assert (bottom[:, column : column + 64, :3] == 255 - expected).all()
    assert (top[:32, 140:204, 0] == 255).all()
    assert (top[32:, 140:204, 0] == 0).all()
    assert (grid[64:66, :, 3] == 0).all()  # transparent between


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
        reconstruction_grid(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ConfigError, match=r"have shape \(3,\)"):
        reconstruction_grid(np.zeros(3), np.zeros(3))
    with pytest.raises(ConfigError, match=r"have shape \(0, 3\)"):
        reconstruction_grid(np.zeros((0, 3)), np.zeros((0, 3)))


def test_any_number_of_rows_is_stacked_below_the_originals_and_scaled_by_them():
    x = np.zeros((3, 1, 8, 8))
    x[1] = 1.0
    stacked = np.asarray(reconstruction_rows({"original": x, "symmetric": x + 5, "best": 1 - x}))
    assert stacked.shape == (3 * 64 + 2 * 2, 3 * 64 + 2 * 6, 4)
    assert [stacked[row, 0, 0] for row in (0, 66, 132)] == [0, 255, 255]
    assert [stacked[row, 70, 0] for row in (0, 66, 132)] == [255, 255, 0]


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
    picture = side_by_side({"original": np.zeros(shape), "best": np.ones(shape)}, "Seen.")
    assert picture.png.startswith(b"\x89PNG")
    assert (picture.labels, picture.strips) == (("original", "best"), strips)
    assert picture.caption == "Seen."

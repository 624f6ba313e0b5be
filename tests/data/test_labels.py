import numpy as np
import pytest

from asymnas.core.errors import DataError
from asymnas.data.labels import class_ids, truth_values


@pytest.mark.parametrize(
    "values",
    [[3, 1, 3, 9], [3.0, 1.0, 3.0, 9.0], ["b", "a", "b", "c"], np.array([3, 1, 3, 9], np.uint8)],
)
def test_classes_are_numbered_in_order(values):
    found = class_ids(np.array(values), "labels")
    assert found.tolist() == [1, 0, 1, 2]
    assert found.dtype == np.int64


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, np.nan], "it has missing or infinite values"),
        ([1.5, 2.0], "it holds no classes"),
        ([1j, 2j], "it holds no classes"),
        ([7, 7], "it has the one class 7: at least 2 are needed"),
    ],
)
def test_what_are_no_classes(values, message):
    with pytest.raises(DataError, match=message):
        class_ids(np.array(values), "it")


@pytest.mark.parametrize("values", [[True, False], [1, 0], [1.0, 0.0]])
def test_truth_values(values):
    found = truth_values(np.array(values), "it")
    assert found.tolist() == [True, False]
    assert found.dtype == np.bool_


@pytest.mark.parametrize("values", [[1, 2], [0.0, np.nan], ["a", "b"], [0.5, 0.0]])
def test_what_are_no_truth_values(values):
    with pytest.raises(DataError, match="it must be true or false, or 1 or 0, for every example"):
        truth_values(np.array(values), "it")

"""Values that changed since they were written are named."""

import json

import pytest

from asymnas.core.checksums import CHECKSUM, checked, with_checksum
from asymnas.core.errors import DamageError

VALUES = {"rate": 1e-3, "widths": [3, 2], "nested": {"a": None, "b": float("inf")}, "text": "é"}
ADVICE = (
    "x is damaged: it does not agree with its checksum; put a copy in its place, or delete its "
    "field 'checksum' if you changed it on purpose"
)


def test_values_come_back_as_they_were_written_in_any_order():
    stored = json.loads(json.dumps(with_checksum(VALUES)))
    assert checked(dict(reversed(stored.items())), "x") == VALUES
    assert with_checksum(stored) == stored


def test_values_of_an_earlier_version_have_none():
    assert checked(VALUES, "x") == VALUES


@pytest.mark.parametrize(
    "change",
    [
        {"rate": 1.1e-3},
        {"rate": "0.001"},
        {"widths": [2, 3]},
        {"nested": {"a": None}},
        {"nested": {"a": 0, "b": float("inf")}},
        {"text": "e"},
        {"more": 1},
        {CHECKSUM: "0" * 32},
        {CHECKSUM: None},
    ],
    ids=str,
)
def test_each_change_is_damage(change):
    with pytest.raises(DamageError) as caught:
        checked({**with_checksum(VALUES), **change}, "x")
    assert str(caught.value) == ADVICE


def test_what_is_missing_is_damage():
    stored = with_checksum(VALUES)
    del stored["text"]
    with pytest.raises(DamageError, match=r"^x is damaged"):
        checked(stored, "x")

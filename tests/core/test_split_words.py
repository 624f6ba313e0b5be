"""How numbers are told."""

from asymnas.core.text import split_words


def test_what_serves_both_sides_is_in_no_share():
    assert split_words(0.72, 0) == "72\N{NO-BREAK SPACE}% of them in the decoder"
    told = split_words(0.82, 1_024)
    assert told == "1,024 of them shared and 82\N{NO-BREAK SPACE}% of the others in the decoder"

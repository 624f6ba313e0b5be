import pytest

from asymnas.core.errors import ConfigError
from asymnas.reporting.checklist import PRACTICES, tally
from asymnas.reporting.content import STATUSES, Practice


def test_there_are_fourteen_practices_and_no_two_alike():
    assert len(PRACTICES) == len(set(PRACTICES)) == 14


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        (["yes", "yes", "partly", "no", "not applicable"], "2 of 4 kept, 1 partly, 1 not; 1 does"),
        (["yes", "not applicable", "not applicable"], "1 of 1 kept; 2 do not apply."),
        (["no"], "0 of 1 kept, 1 not."),
    ],
)
def test_a_checklist_is_summed_up(statuses, words):
    assert tally([Practice("p", status, "e") for status in statuses]).startswith(words)


def test_an_unknown_status_is_refused():
    with pytest.raises(ConfigError, match=r"one of yes, partly, no, not applicable but is 'maybe'"):
        Practice("p", "maybe", "e")
    assert STATUSES[-1] == "not applicable"

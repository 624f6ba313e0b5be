from made_tables import made_table
from swept_tables import swept

from asymnas.analysis.checks import agreement, generalisation
from asymnas.analysis.interaction import interaction
from asymnas.reporting.check_sentences import (
    agreement_sentence,
    generalisation_sentences,
    interaction_sentence,
)


def test_shares_that_look_worse_early_are_named():
    slow = agreement_sentence(agreement(swept(slow_decoders=0.4, shares=12)))
    assert "decoder shares 2/3 and above look worse there than they end" in slow
    even = agreement_sentence(agreement(swept(shares=12)))
    assert "no third of the decoder shares" in even


def test_few_trials_are_said_to_be_too_few():
    text = agreement_sentence(agreement(made_table(60)))
    assert "cannot be judged from 5 unpruned trials: it takes at least 10 architectures" in text


def test_a_degenerate_table_gives_a_whole_sentence_or_none(degenerate):
    text = agreement_sentence(agreement(degenerate))
    assert "nan" not in text
    assert text == "" or text.endswith(".")


def test_a_gap_has_its_size_and_what_it_goes_with():
    table = swept()
    grows = generalisation_sentences(generalisation(swept(gap_with_share=0.1)))
    assert "it grows with the decoder share" in grows
    shrinks = generalisation_sentences(generalisation(swept(gap_with_share=-0.1)))
    assert "it shrinks with the decoder share" in shrinks
    assert "not shown to go with" in generalisation_sentences(generalisation(table))
    doubled = generalisation(table.assign(test_loss=2 * table["train_loss"]))
    assert "on the test split is 100.0\xa0% above" in generalisation_sentences(doubled)
    assert "takes at least 10" in generalisation_sentences(generalisation(swept(shares=2)))
    assert generalisation_sentences(()) == ""


def test_curves_that_differ_are_said_to():
    differ = interaction_sentence(interaction(swept(interaction=0.05)))
    assert "differs between resize and transposed" in differ
    alike = interaction_sentence(interaction(swept(seed=1)))
    assert "is not shown to differ between resize and transposed" in alike
    assert interaction_sentence(None) == ""

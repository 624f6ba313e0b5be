"""The page that answers: its numbers are those of the committed results, its pooling is right."""

import json
import shutil
from itertools import chain
from math import log, sqrt
from pathlib import Path

import pytest

STUDIES = Path(__file__).parents[1] / "studies"
#: Tuberculosis among vaccinated and others: cases and non-cases of both (Colditz et al. 1994).
BCG = (
    (4, 119, 11, 128),
    (6, 300, 29, 274),
    (3, 228, 11, 209),
    (62, 13536, 248, 12619),
    (33, 5036, 47, 5761),
    (180, 1361, 372, 1079),
    (8, 2537, 10, 619),
    (505, 87886, 499, 87892),
    (29, 7470, 45, 7232),
    (17, 1699, 65, 1600),
    (186, 50448, 141, 27197),
    (5, 2493, 3, 2338),
    (27, 16886, 29, 17825),
)


@pytest.fixture(autouse=True)
def studies(monkeypatch):
    monkeypatch.syspath_prepend(str(STUDIES))


def test_pooling_gives_the_published_values():
    """Those of metafor, `rma(yi, vi, data=dat.bcg, method="PM")`."""
    from pooling import pooled

    ratios = [log(a / (a + b) / (c / (c + d))) for a, b, c, d in BCG]
    errors = [sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)) for a, b, c, d in BCG]
    found = pooled(ratios, errors)
    assert found.between**2 == pytest.approx(0.3181, abs=5e-5)
    assert found.mean.estimate == pytest.approx(-0.7150, abs=5e-5)
    assert found.prediction.low < found.mean.low < found.mean.high < found.prediction.high


def test_studies_that_agree_are_pooled_by_their_errors():
    from pooling import pooled

    found = pooled([0.1, 0.1], [0.1, 0.2])
    assert found.between == 0
    half = 12.706 / sqrt(1 / 0.1**2 + 1 / 0.2**2)  # Student's t of one degree of freedom
    assert found.mean.high == pytest.approx(0.1 + half, rel=1e-4)
    assert found.prediction.low is None
    with pytest.raises(ValueError, match="two or more"):
        pooled([0.1], [0.1])


def test_the_page_holds_what_the_results_say():
    from answer import PAGE, page
    from rows import rows

    text = PAGE.read_text("utf-8")
    assert page(text, rows()) == text, "run: python studies/answer.py"


def test_the_pages_of_studies_hold_what_the_results_say():
    from pages import study_pages
    from rows import RESULTS, rows

    written = study_pages(rows())
    assert {row.place for row in rows()} < {
        str(file.parent.relative_to(RESULTS)) for file in written
    }
    for file, text in written.items():
        assert file.read_text("utf-8") == text, "run: python studies/answer.py"
    assert {*RESULTS.rglob("README.md")} == {*written}


def test_a_study_that_is_not_done_gives_no_row(tmp_path):
    from rows import RESULTS, rows

    shutil.copytree(RESULTS / "linear_generator", tmp_path / "linear_generator")
    assert len(rows(tmp_path)) == 1
    progress = {"runs": 3, "hours": 0.1, "done": False}
    (tmp_path / "linear_generator" / "progress.json").write_text(json.dumps(progress))
    assert not rows(tmp_path)


def test_longer_training_has_a_mean_of_its_own():
    from rows import groups, rows

    means = {name: list(chain(*measured)) for name, measured in groups(rows()).items()}
    for data in ("images", "tables"):
        assert not any(row.longer or row.known for row in means[f"mean, {data}"])
        assert all(row.longer and not row.known for row in means.get(f"mean, {data}, 4×", []))
    images, tables = ({row.dataset for row in means[f"mean, {of}"]} for of in ("images", "tables"))
    assert not images & tables


def test_a_cost_of_mirroring_is_a_log_ratio_like_the_contrasts():
    from rows import MIRRORED, PRIMARY, rows

    for row in rows():
        cost = row.entry["cost_of_mirroring"]
        assert row.contrast(MIRRORED).high == pytest.approx(log(1 + cost["high"]))
        for name in (*PRIMARY, MIRRORED):
            found = row.contrast(name)
            assert (found.low + found.high) / 2 == pytest.approx(found.estimate, abs=1e-9)


def test_two_sweeps_of_a_row_count_as_one():
    from rows import PRIMARY, combined, groups, rows, sweeps_of

    every = sweeps_of(rows())
    assert sum(map(len, every)) == len(rows())
    twice = [sweeps for sweeps in every if len(sweeps) == 2]
    assert len(twice) == 4
    averaged = list(chain.from_iterable(groups(rows()).values()))
    assert all(averaged.count(sweeps) == 1 for sweeps in twice)
    for sweeps in every:
        for share in PRIMARY:
            both, error = combined(sweeps, share)
            each = [row.contrast(share) for row in sweeps]
            if len(sweeps) == 1:
                assert (both.low, both.high) == pytest.approx((each[0].low, each[0].high))
            else:
                assert error < min(row.normal(share)[1] for row in sweeps)
                assert min(e.estimate for e in each) < both.estimate < max(e.estimate for e in each)


def test_the_figure_draws_every_row_of_both_contrasts():
    from answer import figure
    from rows import groups, rows

    made = rows()
    means = groups(made)
    drawn = figure(made)
    labels = [trace.y[0] for trace in drawn.data]
    for name, measured in means.items():
        of_two = 1 if len(measured) < 3 else 2  # two rows have no prediction interval
        assert labels.count(name) == 2 * of_two
    assert all(labels.count(row.label) == 2 for row in made)
    assert {row.label for row in made} == set(labels) - set(means)

"""A storage URL is shown without its secrets, however it is written."""

import pytest

from asymnas.core.urls import public_url, without_password, without_secrets

SECRET = "S3cr3t"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:S3cr3t@db/x", "postgresql://me:***@db/x"),
        ("postgresql+psycopg2://me:S3cr3t@db:5432/x", "postgresql+psycopg2://me:***@db:5432/x"),
        ("redis://:S3cr3t@host/0", "redis://:***@host/0"),
        ("mysql://me:p@S3cr3t@db/x", "mysql://me:***@db/x"),
        ("mysql://me:a/S3cr3t@db/x", "mysql://me:***@db/x"),
        ("mysql://me:a:S3cr3t@db:99999999/x", "mysql://me:***@db:99999999/x"),
        ("mysql://db/x?password=S3cr3t&ssl=1", "mysql://db/x?password=***&ssl=1"),
        ("mysql://me:S3cr3t@db/x?ssl_key=S3cr3t", "mysql://me:***@db/x?ssl_key=***"),
        ("postgresql://me@db/x", "postgresql://me@db/x"),
        ("sqlite:////home/me:x/a.db", "sqlite:////home/me:x/a.db"),
        ("sqlite:///runs/digits/study.db", "sqlite:///runs/digits/study.db"),
        ("", ""),
    ],
)
def test_only_secrets_are_hidden(url: str, shown: str) -> None:
    assert public_url(url) == shown
    assert public_url(shown) == shown
    assert SECRET not in public_url(url)


def test_a_message_of_a_driver_holds_no_secret_either() -> None:
    url = "mysql://me:S%C3%A9cret@db/x?token=t0ken"
    text = f"cannot use {url}: access denied for me (Sécret, S%C3%A9cret), t0ken"
    assert without_secrets(text, url) == (
        "cannot use mysql://me:***@db/x?token=***: access denied for me (***, ***), ***"
    )


@pytest.mark.parametrize(
    ("url", "text", "shown"),
    [
        ("mysql://me:pa@x:S3cr3t@db/x", "not an integer: 'S3cr3t@db'", "not an integer: '***@db'"),
        ("pg://me:p@w:q@db/x", "'q@db', 'p', equipped", "'***@db', '***', equipped"),
        ("pg://me:one/two@db/x", "no database two, only twofold", "no database ***, only twofold"),
        ("pg://me:plain@db/x", "me is plainly not in db", "me is ***ly not in db"),
    ],
)
def test_no_part_of_a_password_that_is_cut_at_its_signs_is_shown(
    url: str, text: str, shown: str
) -> None:
    assert without_secrets(text, url) == shown


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("postgresql://me:***@db/x", "postgresql://me@db/x"),
        ("mysql://me:***@db/x?password=***&ssl=1", "mysql://me@db/x?ssl=1"),
        ("mysql://db/x?password=***", "mysql://db/x"),
    ],
)
def test_a_hidden_password_is_left_to_the_driver(url: str, bare: str) -> None:
    assert without_password(url) == bare

"""Passwords: how they are kept, and which ones are good enough."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from core import db, i18n
from core.demo import PASSWORD
from core.security import UserRefused, create_user, passwords, sign_in
from core.security.passwords import WeakPassword
from core.settings import Settings
from tests.support.house import House

GOOD = "otter-kettle-93-lantern"


def _stored(username: str) -> str:
    with db.scope(write=False) as session:
        return str(session.scalars(select(User.password).where(User.username == username)).one())


def test_a_password_is_kept_as_argon2id_and_no_two_alike() -> None:
    first, second = passwords.hash_of(GOOD), passwords.hash_of(GOOD)
    assert first.startswith("$argon2id$")
    assert first != second
    assert passwords.matches(first, GOOD)
    assert not passwords.matches(first, GOOD + " ")


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$broken", "scrypt:1$salt", "pbkdf2:sha256$a$b"])
def test_a_damaged_hash_matches_nothing(stored: str) -> None:
    assert not passwords.matches(stored, "")


@pytest.mark.both_databases
def test_an_old_hash_is_replaced_at_the_next_sign_in(house: House) -> None:
    old = generate_password_hash(PASSWORD)
    with db.scope() as session:
        session.scalars(select(User).where(User.username == "amira")).one().password = old
    assert sign_in.authenticate("amira", "wrong") is None
    assert _stored("amira") == old
    assert sign_in.authenticate("amira", PASSWORD) is not None
    kept = _stored("amira")
    assert kept.startswith("$argon2id$")
    assert sign_in.authenticate("amira", PASSWORD) is not None
    assert _stored("amira") == kept


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("short", "too short"),
        ("x" * 257, "too long"),
        ("password1234", "common word"),
        ("qwertyuiop123", "easy to guess"),
        ("aaaaaaaaaaaaaa", "pattern"),
        ("Riversidesurgery-6", "your practice's name"),
        ("amirakhan2026", "your name"),
    ],
)
def test_what_is_easy_to_guess_is_refused_with_a_reason(
    configured: Settings, password: str, word: str
) -> None:
    with pytest.raises(WeakPassword) as refused:
        passwords.check(password, about=("Amira", "Khan", "Riverside Surgery"))
    assert word in refused.value.message
    with i18n.use_language("fr"):
        assert refused.value.message != str(refused.value), "it is said in the reader's language"


@pytest.mark.parametrize(
    "password", [GOOD, "drei Igel kochen Tee", "пять зелёных трамваев", "Tr4-" + GOOD + "-x9$kQ!u2"]
)
def test_what_is_long_and_odd_is_taken(configured: Settings, password: str) -> None:
    passwords.check(password, about=("Amira",))


def test_the_published_password_of_the_demonstration_is_refused_in_production(configured: Settings) -> None:
    passwords.check(PASSWORD)
    configured.environment = "production"
    with pytest.raises(WeakPassword):
        passwords.check(PASSWORD)


def test_a_user_cannot_be_made_with_a_weak_password(configured: Settings) -> None:
    with db.scope(), pytest.raises(UserRefused, match="easy to guess"):
        create_user("sam", "sam@example.com", "Sam", "Smith", "samsmith1234")


@pytest.fixture
def breached(configured: Settings, tmp_path: Path) -> list[str]:
    known = [f"breached-{number}-kettle" for number in range(500)]
    lines = sorted(f"{hashlib.sha1(one.encode()).hexdigest().upper()}:{len(one)}" for one in known)
    path = tmp_path / "breached.txt"
    path.write_text("\r\n".join(lines) + "\r\n")
    configured.breached_passwords = path
    return known


def test_every_password_of_the_operators_list_is_found_and_no_other(breached: list[str]) -> None:
    assert all(passwords.is_breached(one) for one in breached)
    assert not any(passwords.is_breached(f"fresh-{number}-kettle") for number in range(500))
    with pytest.raises(WeakPassword, match="lists that attackers try first"):
        passwords.check(breached[7])


@pytest.mark.parametrize("content", ["", "\n", "A" * 500, "no hash at all\n"])
def test_a_list_that_is_none_finds_nothing(configured: Settings, tmp_path: Path, content: str) -> None:
    configured.breached_passwords = tmp_path / "list.txt"
    assert not passwords.is_breached(GOOD)
    configured.breached_passwords.write_text(content)
    assert not passwords.is_breached(GOOD)

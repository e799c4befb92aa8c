"""Making users and giving them roles."""

from __future__ import annotations

from typing import Final

from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import func, or_, select

from core import db
from core.security import passwords, roles
from core.security.models import Account
from core.tenancy import OPERATOR, Membership, Practice

MIN_PASSWORD: Final = passwords.MIN_PASSWORD
MAX_PASSWORD: Final = passwords.MAX_PASSWORD


class UserRefused(ValueError):
    """A user cannot be made or given this: the message says why."""


def create_user(
    username: str, email: str, first_name: str, last_name: str, password: str, *, is_operator: bool = False
) -> User:
    """Make a user in the current scope. User name and e-mail are kept in lower case. Raises UserRefused."""
    username, email = username.strip().lower(), email.strip().lower()
    if not username or not email:
        raise UserRefused("a user needs a user name and an e-mail address")
    try:
        passwords.check(password, about=(username, email, first_name, last_name))
    except passwords.WeakPassword as weak:
        raise UserRefused(weak.message) from None
    return store(username, email, first_name, last_name, passwords.hash_of(password), is_operator=is_operator)


def store(
    username: str, email: str, first_name: str, last_name: str, hashed: str, *, is_operator: bool = False
) -> User:
    """The same with a password that was judged and hashed before, outside the scope. Raises UserRefused."""
    names = (username, email)
    taken = select(User.id).where(
        or_(func.lower(User.username).in_(names), func.lower(User.email).in_(names))
    )
    if db.session().scalar(taken.limit(1)) is not None:
        raise UserRefused(f"somebody is called {username} or has this e-mail address already")
    user = User(
        username=username,
        email=email,
        first_name=first_name,
        last_name=last_name,
        password=hashed,
        active=True,
    )
    if is_operator:
        user.roles = [db.session().scalars(select(Role).where(Role.name == OPERATOR)).one()]
    db.session().add(user)
    db.session().flush()
    db.session().add(Account(user_id=user.id))
    return user


def is_assignable(role: str) -> bool:
    """Can a practice give this role to somebody?"""
    return roles.is_known(role)


def add_membership(practice: Practice, user: User, role: str) -> None:
    """Give a user a role in a practice; one that is held already is kept. Raises UserRefused."""
    if not is_assignable(role):
        raise UserRefused(f"{role!r} is no role within a practice")
    key = (practice.id, user.id, role)
    if db.session().get(Membership, key) is None:
        db.session().add(Membership(practice_id=practice.id, user_id=user.id, role=role))
        db.session().flush()


def account_of(user_id: int) -> Account:
    """The user's account row; made when the user came in by another way."""
    account = db.session().get(Account, user_id)
    if account is None:
        account = Account(user_id=user_id)
        db.session().add(account)
        db.session().flush()
    return account

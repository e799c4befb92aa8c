"""The platform's trail in the operator's console: who signed in, who could not, and whether it is whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from core import db
from core.admin import operator_trail
from core.audit import PlatformAuditEntry
from tests.support.house import House, Visitor
from tests.support.pages import text

URL = "/operator/trail"


def user_id(name: str) -> int:
    with db.scope(write=False) as session:
        return session.scalars(select(User.id).where(User.username == name)).one()


@pytest.fixture
def signed_in(house: House, visitor: Callable[[], Visitor]) -> None:
    """Amira signs in, Grace mistypes, and somebody tries a name that is nobody's."""
    visitor().sign_in("amira")
    visitor().sign_in("grace", "wrong")
    visitor().sign_in("nobody", "wrong")


def rows(page: str) -> str:
    """The entries without the choices above them."""
    return page.partition("From where")[2]


@pytest.mark.both_databases
@pytest.mark.usefixtures("signed_in")
def test_sign_ins_of_everybody_are_there_with_whose_account_it_was(olga: Visitor) -> None:
    page = rows(text(olga.get(URL)))
    assert "Amira Khan Signed in Amira Khan" in page
    assert "Not signed in Sign-in failed Grace" in page
    assert "Sign-in failed An account that there is not" in page
    assert "Audit trail read" in rows(text(olga.get(URL))), "who looked before"


@pytest.mark.both_databases
@pytest.mark.usefixtures("signed_in")
def test_a_person_is_found_and_then_what_was_done_to_their_account_too(olga: Visitor) -> None:
    answer = olga.post(f"{URL}/person", {"q": "grace"})
    where = answer.headers["Location"]
    assert where.endswith(f"{URL}?person={user_id('grace')}"), "no name in an address"
    page = text(olga.get(where))
    assert "Only what Grace" in page
    assert "Sign-in failed" in rows(page)
    assert "Amira" not in rows(page)
    several = text(olga.post(f"{URL}/person", {"q": "example"}))
    assert "Whose entries?" in several
    assert "Amira Khan" in several
    assert "Nobody fits" in text(olga.post(f"{URL}/person", {"q": "zzz"}))


@pytest.mark.usefixtures("signed_in")
def test_an_action_and_days_are_chosen(olga: Visitor) -> None:
    chosen = text(olga.get(f"{URL}?action=sign_in.failed"))
    assert "Sign-in failed" in rows(chosen)
    assert "Signed in" not in rows(chosen)
    tomorrow = (db.utcnow() + timedelta(days=1)).date().isoformat()
    assert "No entry fits" in text(olga.get(f"{URL}?since={tomorrow}"))
    yesterday = (db.utcnow() - timedelta(days=2)).date().isoformat()
    assert "No entry fits" in text(olga.get(f"{URL}?until={yesterday}"))
    assert "No entry fits" in text(olga.get(f"{URL}?person=99999999"))
    assert olga.get(f"{URL}?person=x&since=y&before=z").status_code == 200


@pytest.mark.usefixtures("signed_in")
def test_older_entries_are_on_the_next_page(olga: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator_trail, "PAGE", 2)
    page = olga.get(URL).get_data(as_text=True)
    assert "Older" in page
    before = page.partition("before=")[2].partition('"')[0]
    older = olga.get(f"{URL}?before={before}")
    assert "Newest" in text(older)
    assert f"No. {int(before) - 1}" in text(older)
    assert f"No. {before} " not in text(older)


@pytest.mark.usefixtures("signed_in")
def test_it_is_taken_away_as_a_table_which_is_noted(olga: Visitor) -> None:
    answer = olga.get(f"{URL}/export.csv?action=sign_in")
    found = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    assert [row for row in found if "Sign-in failed" in row]
    assert len(found) == 5, "a heading, Olga's own, Amira's, and two that failed"
    assert "platform-trail.csv" in answer.headers["Content-Disposition"]
    with db.scope(write=False) as session:
        last = session.scalars(select(PlatformAuditEntry).order_by(PlatformAuditEntry.seq.desc())).first()
        assert last is not None
        assert (last.action, last.actor_name) == ("audit.exported", "Olga Berg")


def test_a_button_says_whether_it_is_whole(olga: Visitor) -> None:
    answer = olga.post(f"{URL}/verify?action=sign_in")
    assert answer.headers["Location"].endswith("?action=sign_in")
    assert "The trail is whole" in text(olga.get(answer.headers["Location"]))


def test_a_practice_is_not_offered_what_its_trail_can_never_hold(helen: Visitor) -> None:
    page = helen.get("/p/riverside/admin/audit").get_data(as_text=True)
    assert '<option value="patient.viewed"' in page
    for action in (
        "sign_in.failed",
        "sign_in.succeeded",
        "session.locked",
        "second_factor.added",
        "practice.created",
    ):
        assert f'<option value="{action}"' not in page

"""The demonstration: two practices with invented people, ready to be tried."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from core import audit, db, patients, plugin_system, settings, tenancy
from core.plugin_system import activation
from core.security import users
from core.tenancy import CLINICIAN, PRACTICE_ADMIN, RECEPTIONIST, Practice

PASSWORD = "careroom-demo"


@dataclass(frozen=True, slots=True)
class Account:
    """A sign-in of the demonstration."""

    username: str
    first_name: str
    last_name: str
    slug: str
    roles: tuple[str, ...]


ACCOUNTS = (
    Account("amira", "Amira", "Khan", "riverside", (CLINICIAN,)),
    Account("tom", "Tom", "Ashworth", "riverside", (CLINICIAN,)),
    Account("grace", "Grace", "Bell", "riverside", (RECEPTIONIST,)),
    Account("helen", "Helen", "Price", "riverside", (PRACTICE_ADMIN, CLINICIAN)),
    Account("claire", "Claire", "Lefèvre", "lumiere", (CLINICIAN,)),
    Account("jules", "Jules", "Marchand", "lumiere", (RECEPTIONIST,)),
    Account("nadia", "Nadia", "Roussel", "lumiere", (PRACTICE_ADMIN, CLINICIAN)),
)

PRACTICES = (
    {
        "slug": "riverside",
        "name": "Riverside Surgery",
        "language": "en-GB",
        "time_zone": "Europe/London",
        "country": "GB",
        "phone": "+441134960123",
        "address": "12 Mill Lane, Leeds LS1 4DY",
    },
    {
        "slug": "lumiere",
        "name": "Cabinet Lumière",
        "language": "fr-FR",
        "time_zone": "Europe/Paris",
        "country": "FR",
        "phone": "+33199001234",
        "address": "8 rue des Tanneurs, 69005 Lyon",
    },
)

# Numbers in ranges that regulators keep for fiction (Ofcom, Arcep), and NHS numbers of the 999 test range.
PEOPLE = {
    "riverside": (
        (
            "Margaret",
            "Whitfield",
            date(1951, 3, 14),
            "female",
            "+447700900101",
            "margaret.whitfield@example.com",
            None,
        ),
        ("Samuel", "Okafor", date(1987, 11, 2), "male", "+447700900102", "samuel.okafor@example.com", None),
        (
            "Élodie",
            "Garnier",
            date(1994, 6, 21),
            "female",
            "+447700900103",
            "elodie.garnier@example.com",
            "fr",
        ),
        ("Priya", "Raman", date(2001, 1, 30), "female", "+447700900104", None, None),
        ("George", "O'Sullivan", date(1938, 9, 9), "male", None, None, None),
        (
            "Aisha",
            "Rahman-Clarke",
            date(1979, 12, 5),
            "female",
            "+447700900106",
            "aisha.rc@example.com",
            None,
        ),
        ("Daniel", "Novak", date(2016, 4, 18), "male", "+447700900107", "novak.family@example.com", None),
    ),
    "lumiere": (
        ("Jeanne", "Moreau-Petit", date(1948, 7, 8), "female", "+33639980001", "jeanne.mp@example.com", None),
        ("Karim", "Benali", date(1990, 2, 27), "male", "+33639980002", "karim.benali@example.com", None),
        ("Zoé", "D'Hautefeuille", date(2003, 10, 13), "female", "+33639980003", None, None),
        ("Oliver", "Bennett", date(1972, 5, 4), "male", "+33639980004", "oliver.bennett@example.com", "en"),
        ("Marcel", "Lenoir", date(1936, 8, 30), "male", None, "marcel.lenoir@example.com", None),
    ),
}
NHS_NUMBERS = (
    "9990000018",
    "9990000026",
    "9990000034",
    "9990000042",
    "9990000050",
    "9990000069",
    "9990000077",
)


def environment(folder: Path, port: int, *, fresh: bool = False) -> dict[str, str]:
    """The settings of the demonstration as environment variables; keys are made once and kept in ``folder``."""
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "keys"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(f"{secrets.token_urlsafe(48)}\n{settings.new_master_key()}\n")
    secret, master = kept.read_text().split()
    return {
        "CAREROOM_ENVIRONMENT": "demo",
        "CAREROOM_DATA_DIR": str(folder.absolute()),
        "CAREROOM_BASE_URL": f"http://127.0.0.1:{port}",
        "CAREROOM_SECRET_KEY": secret,
        "CAREROOM_MASTER_KEY": master,
    }


def seed() -> tuple[Account, ...]:
    """Make the practices, people and sign-ins that are not there yet. Twice is as good as once."""
    for fields in PRACTICES:
        with db.scope() as session:
            known = session.scalar(select(Practice).where(Practice.slug == fields["slug"]))
            practice_id = None if known is not None else _make(fields).id
        if practice_id is not None:
            with tenancy.practice_scope(practice_id):
                _fill(fields["slug"])
    return ACCOUNTS


def _make(fields: dict[str, str]) -> Practice:
    rest = {name: value for name, value in fields.items() if name not in ("slug", "name")}
    practice = tenancy.create_practice(fields["slug"], fields["name"], **rest)
    for account in ACCOUNTS:
        if account.slug == practice.slug:
            email = f"{account.username}@{account.slug}.example.com"
            user = users.create_user(account.username, email, account.first_name, account.last_name, PASSWORD)
            for role in account.roles:
                users.add_membership(practice, user, role)
    return practice


def _fill(slug: str) -> None:
    for plugin in plugin_system.registry:
        if activation.state(plugin.name).can_switch:
            activation.enable(plugin.name)
    for position, (given, family, born, sex, mobile, email, language) in enumerate(PEOPLE[slug]):
        nhs_number = NHS_NUMBERS[position] if slug == "riverside" else None
        patients.create(
            given_names=given,
            family_name=family,
            birth_date=born,
            sex=sex,
            mobile=mobile,
            email=email,
            language=language,
            nhs_number=nhs_number,
        )


def furnish() -> None:
    """Let every plugin with a ``demo`` module put something into the practices: for people to try, not for tests.

    Its ``seed(practice_id)`` acts as a clinician of the practice; twice is as good as once.
    """
    for fields in PRACTICES:
        account = next(one for one in ACCOUNTS if one.slug == fields["slug"] and CLINICIAN in one.roles)
        with db.scope(write=False) as session:
            practice_id = tenancy.find_by_slug(account.slug).id
            user = session.scalars(select(User).where(User.username == account.username)).unique().one()
            actor = audit.Actor("staff", str(user.id), user.get_full_name())
        for plugin in plugin_system.registry:
            name = f"{plugin.package}.demo"
            if find_spec(name) is not None:
                with audit.use_actor(actor):
                    import_module(name).seed(practice_id)


def welcome(accounts: tuple[Account, ...], base_url: str) -> str:
    """What the demonstration prints: where to go and as whom."""
    lines = ["", f"  Careroom is at        {base_url}", f"  Messages are read at  {base_url}/dev/outbox", ""]
    names = {fields["slug"]: fields["name"] for fields in PRACTICES}
    for slug, name in names.items():
        lines.append(f"  {name}  {base_url}/p/{slug}/")
        for account in accounts:
            if account.slug == slug:
                roles = ", ".join(role.replace("_", " ") for role in account.roles)
                lines.append(f"    {account.username:10} {PASSWORD}   {roles}")
    return "\n".join([*lines, ""])

"""What the page shells show around a page: practice, person, navigation, bell, language, appearance.

Templates find it as ``shell``. Everything is computed when a template asks for it, and once a request, so that a page
that shows no bell pays for none, and an error page needs no database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, Literal
from uuid import UUID

from flask import Flask, g, has_request_context, request, session, url_for
from markupsafe import Markup

from core import db, i18n, security, settings, tenancy
from core.i18n import _
from core.notifications import inbox
from core.plugin_system import NavItem
from core.security import passkeys, roles, sessions
from core.tenancy import OPERATOR, Practice
from core.web import brand, coming_back, live, locking, rail
from core.web.pages import live as listen
from core.web.rail import Entry, Section

Theme = Literal["light", "dark", "system"]
DatePart = Literal["day", "month", "year"]
_PATIENT_PATHS = ("/l/", "/v/")
IN_BELL: Final = 12
"""How many items the bell shows on a page."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, in words."""

    name: str
    initials: str
    role: str


@dataclass(frozen=True, slots=True)
class Language:
    """A language to choose, in its own words."""

    code: str
    name: str
    current: bool


@dataclass(frozen=True, slots=True)
class PracticeEntry:
    """A practice that this person works in."""

    name: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class BellItem:
    """A line under the bell; its URL leads on and notes that it was read. patient_id: whom it names."""

    title: str
    icon: str
    url: str
    at: datetime
    read: bool
    patient_id: UUID | None


@dataclass(frozen=True, slots=True)
class Bell:
    """What the bell shows, and where it reloads itself and is emptied."""

    unread: int
    items: list[BellItem]
    panel_url: str
    read_all_url: str
    seen_url: str


def install(app: Flask) -> None:
    """Give templates ``shell``, and ``date_parts`` for fields of a date."""
    app.context_processor(lambda: {"shell": _shell()})
    app.jinja_env.globals["are_passkeys_possible"] = passkeys.are_possible
    app.jinja_env.globals["date_parts"] = date_parts


def date_parts() -> list[DatePart]:
    """Day, month and year in the order in which the reader's language writes them."""
    pattern = str(i18n.babel_locale().date_formats["short"].pattern)
    marks: dict[DatePart, str] = {"day": "d", "month": "M", "year": "y"}
    return sorted(marks, key=lambda part: pattern.find(marks[part]))


def _shell() -> Shell:
    if not has_request_context():
        return Shell()
    made = g.get("shell")
    if not isinstance(made, Shell):
        made = g.shell = Shell()
    return made


def current() -> Shell:
    """The surroundings of the page that is being made."""
    return _shell()


class Shell:
    """The surroundings of the current page. On pages without a practice or a person those parts are None or empty."""

    # --- language and appearance ---

    @property
    def language(self) -> str:
        return i18n.locale_tag()

    @property
    def direction(self) -> str:
        return i18n.direction()

    @property
    def languages(self) -> list[Language]:
        now = i18n.language()
        names = {**i18n.LANGUAGES, **i18n.PSEUDO_LANGUAGES}
        codes = list(i18n.offered_languages())
        # A practice says which of them its patients are offered.
        chosen = self.practice.profile.get("languages") if self.practice and self.is_patient_page else None
        if chosen:
            codes = [code for code in codes if code in chosen or code not in i18n.LANGUAGES]
        return [Language(code, names.get(code, code), code == now) for code in codes]

    @cached_property
    def theme(self) -> Theme:
        """As chosen in this browser, else in the person's account, else as the device."""
        chosen = session.get("theme")
        if chosen is None and (user := g.get("user")) is not None:
            chosen = security.theme_of(user)
        return chosen if chosen in ("light", "dark") else "system"

    @property
    def here(self) -> str:
        """This page, for forms that come back to it."""
        return coming_back.here()

    @property
    def coming_back(self) -> coming_back.Fields:
        """The hidden fields of such a form, where it can bring back what was sent for this page, too."""
        return coming_back.fields()

    @property
    def preferences_url(self) -> str:
        return url_for("account.preferences")

    @property
    def is_patient_page(self) -> bool:
        """Is the reader a patient who follows a link? Their error pages are theirs, too."""
        return request.path.startswith(_PATIENT_PATHS)

    # --- practice and person ---

    @property
    def practice(self) -> Practice | None:
        found = g.get("practice")
        return found if isinstance(found, Practice) else None

    @property
    def country(self) -> str:
        return self.practice.country if self.practice else ""

    @property
    def practice_logo_url(self) -> str | None:
        """The logo of this practice; None when it has none."""
        return brand.logo_url(self.practice) if self.practice else None

    @property
    def colour_url(self) -> str | None:
        """A stylesheet with this practice's colour; None when it has none of its own."""
        return brand.stylesheet_url(self.practice) if self.practice else None

    @cached_property
    def practices(self) -> list[PracticeEntry]:
        if g.get("user") is None:
            return []
        return [
            PracticeEntry(
                item.name, f"/p/{item.slug}/", self.practice is not None and item.id == self.practice.id
            )
            for item in self._memberships
        ]

    @cached_property
    def _memberships(self) -> Mapping[Practice, list[str]]:
        known: Mapping[Practice, list[str]] | None = g.get("memberships")
        return tenancy.memberships_of(g.user.id) if known is None else known

    @cached_property
    def person(self) -> Person | None:
        user = g.get("user")
        if user is None:
            return None
        name = user.get_full_name().strip() or user.username
        titles = role_titles()
        here = self._memberships.get(self.practice, []) if self.practice else []
        role = ", ".join(titles.get(held, held) for held in here)
        initials = "".join(word[0] for word in name.replace("Dr ", "").split()[:2]).upper()
        return Person(name, initials, role)

    @property
    def home_url(self) -> str:
        return f"/p/{self.practice.slug}/" if self.practice and g.get("user") is not None else "/"

    @property
    def sign_out_url(self) -> str | None:
        return url_for("AuthDBView.logout") if g.get("user") is not None else None

    @property
    def idle_minutes(self) -> int:
        """After how many minutes without anybody the page covers itself; 0: never."""
        return locking.patience() if g.get("user") is not None else 0

    @property
    def is_open_house(self) -> bool:
        return settings.current().is_open_house

    @property
    def outbox_url(self) -> str:
        return url_for("outbox.index")

    # --- navigation ---

    def _may(self, permission: str) -> bool:
        return permission in g.get("permissions", frozenset())

    @property
    def search_url(self) -> str | None:
        return f"{self.home_url}patients" if self.practice and self._may("core.view_patients") else None

    @property
    def toolbar_url(self) -> str | None:
        """The small window beside a clinical system."""
        return f"{self.home_url}toolbar" if self.search_url else None

    @cached_property
    def _offered(self) -> list[NavItem]:
        return rail.offered_by_plugins(self.practice) if self.practice and g.get("user") is not None else []

    @cached_property
    def navigation(self) -> list[Entry]:
        if g.get("user") is None:
            return []
        if self.practice is None:
            return rail.console() if self._may("core.operate") else []
        entries = [rail.entry(_("Today"), "home", self.home_url, exact=True)]
        if self._may("core.view_patients"):
            entries.append(rail.entry(_("Patients"), "users", f"{self.home_url}patients"))
        for item in self._offered:
            entries.append(rail.entry(str(item.title), item.icon, item.url, badge=item.badge))
        return entries

    @property
    def account_url(self) -> str | None:
        """The person's account, for whom a practice's provider did not let in."""
        return None if sessions.is_partial() else url_for("your_account.show")

    @property
    def console_url(self) -> str | None:
        """The operator's console, for operators."""
        return url_for("operator.index") if self._may("core.operate") else None

    @cached_property
    def administration(self) -> list[Section]:
        """The administration's pages, in sections."""
        return rail.administration() if self.practice is not None and g.get("user") is not None else []

    @property
    def is_administration(self) -> bool:
        """Is the reader on one of its pages? Elsewhere they are one entry of the rail."""
        return any(entry.current for section in self.administration for entry in section.entries)

    @property
    def to_administration(self) -> Entry | None:
        """That one entry, with all that waits behind it; None for whom there is no page of it."""
        pages = [entry for section in self.administration for entry in section.entries]
        if not pages:
            return None
        waiting = sum(entry.badge or 0 for entry in pages)
        return Entry(_("Administration"), "settings", pages[0].url, False, waiting or None)

    @property
    def rail_url(self) -> str | None:
        """Where the rail's entries are fetched again; None outside practices."""
        return url_for("rail.panel", at=rail.path()) if self.bell is not None else None

    @property
    def rail_topics(self) -> list[str]:
        return rail.topics(self._offered)

    # --- the bell and the bus ---

    @cached_property
    def bell(self) -> Bell | None:
        if self.practice is None or g.get("user") is None or not self._may("core.work"):
            return None
        if g.get("refused"):  # of an error page nothing is noted, so it names nobody
            return None
        listen(inbox.TOPIC)
        permissions = g.get("permissions", frozenset())
        seen = inbox.glance(g.user.id, permissions, limit=IN_BELL)
        # Whoever came here by another way than the bell has seen it all the same; the gate keeps that.
        here = {item.id for item in seen.entries if not item.read and item.url == request.path}
        if here:
            g.read_here = here
        items = [
            BellItem(
                item.title,
                item.icon,
                url_for("bell.open_item", item_id=item.id),
                item.at,
                item.read or item.id in here,
                item.patient_id,
            )
            for item in seen.entries
        ]
        return Bell(
            seen.unread - len(here),
            items,
            url_for("bell.panel"),
            url_for("bell.read_all"),
            url_for("bell.seen"),
        )

    def live_attributes(self) -> Markup:
        """For <body>; asked after the page's content, when all its topics are known."""
        if self.bell is not None:
            listen(*self.rail_topics)
        return live.attributes()


def role_titles() -> dict[str, str]:
    """The roles of the current practice in words, its own ones among them."""
    here = roles.titles() if db.in_scope() and db.has_practice() else roles.starting_titles()
    return {OPERATOR: _("Operator"), **here}

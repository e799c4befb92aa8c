"""A patient whose name is markup stays a name: on every page, panel and fragment of the plugin."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from core.authoring.inspection import Inspection, Sample
from core.authoring.rules import NotMeasured


class _Pwned(HTMLParser):
    """Finds what the hostile name became if somebody did not escape it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = dict(attrs).get("type") or ""
        self._script = tag == "script" and "json" not in kind and "importmap" not in kind
        for name, value in attrs:
            if name.startswith("on") and "pwned" in (value or ""):
                self.found.append(f"<{tag} {name}=...>")

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and "pwned" in data:
            self.found.append("<script>")


def injected(html: str) -> list[str]:
    """The elements in which a hostile name runs, if any."""
    parser = _Pwned()
    parser.feed(html)
    return parser.found


def look(place: Inspection) -> list[str]:
    """Every page that shows the patient."""
    sample = place.sample(place.house.riverside, hostile=True)
    if sample is None:
        raise NotMeasured("there is no sample.py that makes one of everything")
    somebody = place.visitor()
    shown = [(url, somebody.get(url)) for url in [*place.pages(sample), *place.pages_of_others(sample)]]
    shown += [(panel, somebody.get(panel)) for panel in panels(place, sample)]
    for link in sample.links:
        phone = place.phone(link)
        shown += [(url, phone.visitor.get(url)) for url in place.patient_pages(phone)]
    wrong = [problem for url, answer in shown for problem in _of(url, answer)]
    return wrong + [f"sample.make answers no id for {rule}" for rule in place.unreachable(sample)]


def panels(place: Inspection, sample: Sample) -> list[str]:
    """The URLs of the plugin's panels on a patient's page and on Today."""
    from core import plugin_system

    slug = place.slug(sample)
    with place.looking(sample.practice_id, sample.patient_id) as ctx:
        of_patient = [p.name for p in plugin_system.call("patient_panels", ctx, owner=place.name)]
        of_today = [p.name for p in plugin_system.call("today_panels", ctx, owner=place.name)]
    return [
        *(f"/p/{slug}/patients/{sample.patient_id}/panels/{place.name}/{name}" for name in of_patient),
        *(f"/p/{slug}/panels/{place.name}/{name}" for name in of_today),
    ]


def _of(url: str, answer: Any) -> list[str]:
    if answer.status_code >= 400:
        return [f"{url} answers {answer.status_code}"]
    if not answer.mimetype.startswith("text/html"):
        return []
    return [f"{url}: the patient's name becomes {what}" for what in injected(answer.get_data(as_text=True))]

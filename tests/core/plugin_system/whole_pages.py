"""Pages that every plugin may take part in, and whether they are whole."""

from __future__ import annotations

from tests.support.house import House, Visitor


def pages(house: House) -> dict[str, str]:
    """Pages with what each must show, whatever a plugin does."""
    patient = house.patient_id(house.riverside, "Whitfield")
    return {
        "/p/riverside/": 'data-panel="photo_request.photos_today"',
        "/p/riverside/patients": "WHITFIELD",
        f"/p/riverside/patients/{patient}": 'data-panel="core.timeline"',
        "/p/riverside/admin/plugins": "Photo requests",
    }


def assert_whole(house: House, helen: Visitor) -> dict[str, str]:
    found = {}
    for url, expected in pages(house).items():
        answer = helen.get(url)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 200, url
        assert expected.lower() in text.lower(), url
        assert "</html>" in text
        found[url] = text
    return found

"""The operator's test of the relay, against the real one: it works, its secret is another, it does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from core import db, demo
from core.security.users import create_user
from tests.journeys import acting
from tests.plugins.video_call.line import network
from tests.support.running import Careroom
from tests.support.servers import free_port

pytestmark = pytest.mark.browser


@pytest.fixture
def hub() -> Iterator[None]:
    try:
        with network.network():
            yield
    except network.Impossible as error:
        pytest.skip(f"no network of our own here: {error}")


def test_the_page_says_whether_the_relay_works(
    hub: None, careroom: Careroom, turn_port: int, window: Callable[[], Page], tmp_path: Path
) -> None:
    with db.scope():
        create_user("orla", "orla@example.com", "Orla", "Finn", demo.PASSWORD, is_operator=True)
    page = window()
    acting.sign_in(page, "orla")
    page.wait_for_url("**/operator")
    set_up, tls_port = f"turn:{network.HUB}:{turn_port}?transport=udp", free_port()
    ways = {
        "udp": set_up,
        "tcp": f"turn:{network.HUB}:{turn_port}?transport=tcp",
        "tls": f"turns:{network.HUB}:{tls_port}?transport=tcp",
    }
    row = page.locator("[data-relay-url]")
    result = row.locator("[data-relay-result]")

    def tried(words: str, way: str = "udp") -> None:
        """The page as it is with this address of the relay."""

        def answer(route: Route) -> None:
            route.fulfill(response=(asked := route.fetch()), body=asked.text().replace(set_up, ways[way]))

        page.route("**/operator/relay", answer)
        page.goto("/operator/relay")
        expect(row).to_have_attribute("data-relay-url", ways[way])
        expect(result).to_have_text(words, timeout=20_000)

    with network.coturn(turn_port, tmp_path, tls_port=tls_port):
        for way in ways:
            tried("Works", way)
            for figure in ("open", "echo"):
                expect(row.locator(f"[data-relay-{figure}]")).to_contain_text("ms")
    with network.coturn(turn_port, tmp_path, secret="another one"):
        tried("Refused: is the secret the same on both sides?")
    tried("No answer")
    expect(row.locator("[data-relay-open]")).to_be_empty()

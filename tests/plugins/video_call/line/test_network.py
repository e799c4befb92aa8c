"""Two browsers in network namespaces: outages of 2, 8 and 20 s, another address, no direct way, a useless relay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from plugins.video_call.models import LineEntry
from tests.plugins.video_call.line import apart, network, rooms
from tests.plugins.video_call.line.network import Network
from tests.plugins.video_call.line.rooms import as_amira, as_patient, enter, flows
from tests.support.running import Careroom, eventually

pytestmark = pytest.mark.browser
# Generous: two Chromiums on a busy machine. On an idle one: about 0.3, 1, 1 and 3 s.
SECONDS = {2: 15, 8: 20, 20: 25, "address": 25, "relay": 30}


@pytest.fixture
def net(turn_port: int, tmp_path: Path) -> Iterator[Network]:
    with ExitStack() as stack:
        try:
            made = stack.enter_context(network.network())
            stack.enter_context(network.coturn(turn_port, tmp_path))
        except network.Impossible as error:
            pytest.skip(f"no network of our own here: {error}")
        yield made


@pytest.fixture
def pages(
    net: Network, careroom: Careroom, playwright_here: Playwright, tmp_path: Path
) -> Iterator[list[Page]]:
    """Two pages, each in a Chromium in a namespace."""
    port = int(careroom.url.rpartition(":")[2])
    with apart.windows(net, port, playwright_here, tmp_path) as windows:
        yield [opened() for opened in windows]


def recovery(page: Page, other: Page, seconds: float) -> float:
    """How long until both see new frames, from now on."""
    began = time.monotonic()
    counts = [one.evaluate("frames()") for one in (page, other)]
    for one, count in zip((page, other), counts, strict=True):
        one.wait_for_function("count => frames() > count + 2", arg=count, timeout=seconds * 1000, polling=50)
    return time.monotonic() - began


def gone(page: Page, seconds: float) -> None:
    """This long from now; no new frame comes any more at its end, when all that was on its way has been shown."""
    page.wait_for_timeout((seconds - 0.3) * 1000)
    before = page.evaluate("frames()")
    page.wait_for_timeout(300)
    assert page.evaluate("frames()") == before, "the path is really gone"


def relayed(page: Page) -> Any:
    return page.evaluate("room.stats().relay")


def test_every_outage_ends_by_itself(
    net: Network, careroom: Careroom, pages: list[Page], record_property: Any
) -> None:
    made = rooms.consultation(careroom)
    amira, patient = as_amira(pages[0], made), as_patient(pages[1], made)
    enter(patient)
    enter(amira)
    made.admit()
    flows(amira)
    flows(patient)
    # A relay that answered first may carry the first frames.
    eventually(lambda: not relayed(amira) and not relayed(patient), 15, "directly")
    cable = net.cables[1]
    took: dict[str, float] = {}

    for outage in (2, 8, 20):
        cable.pull()
        gone(amira, outage)
        cable.plug()
        took[f"{outage} s"] = recovery(amira, patient, SECONDS[outage])
        amira.wait_for_timeout(1000)

    cable.move(13)
    took["address"] = recovery(amira, patient, SECONDS["address"])
    amira.wait_for_timeout(1000)

    # No direct way any more: by the relay, with the credentials that the server gave.
    for one in net.cables:
        one.isolate(True)
    gone(amira, 1.5)
    took["relay"] = recovery(amira, patient, SECONDS["relay"])
    assert eventually(lambda: relayed(amira) or relayed(patient), 10, "by the relay")

    # The relay refuses: the direct way, which is open again, does it.
    for one in net.cables:
        one.isolate(False)
    for page in (amira, patient):
        page.evaluate("room.mesh.ice.servers.forEach((server) => { server.credential = 'wrong'; })")
    amira.evaluate("[...room.mesh.links.values()].forEach((link) => link.rebuild(false))")
    took["relay refuses"] = recovery(amira, patient, SECONDS["relay"])
    eventually(lambda: not relayed(amira) and not relayed(patient), 10, "directly")
    for name, seconds in took.items():
        record_property(name, round(seconds, 2))
    with careroom.at("riverside") as session:
        kinds = [row.kind for row in session.query(LineEntry).filter_by(call_id=made.id)]
    assert kinds.count("stalled") >= 5, "the pages saw each break themselves"
    assert kinds.count("recovered") >= 5
    assert "restarted" in kinds, "and did something about it"
    print("seconds to recovery:", {name: round(seconds, 2) for name, seconds in took.items()})
    assert made.state == "in_call"

"""Browsers that have nothing in common but the little network: one Chromium on each of its cables."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright

from tests.plugins.video_call.line import network, rooms
from tests.support import browser as browsers


@contextmanager
def windows(
    net: network.Network, port: int, playwright: Playwright, folder: Path
) -> Iterator[list[Callable[[], Page]]]:
    """For each cable a function that opens a window there, at the server that listens at this port here."""
    with ExitStack() as stack:
        url = stack.enter_context(network.reachable(port))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        secure = f"--unsafely-treat-insecure-origin-as-secure={url}"
        patch.setattr(browsers, "_ARGUMENTS", (*browsers._ARGUMENTS, *rooms.FAKE_MEDIA, secure))
        opened = []
        for cable in net.cables:
            program = str(cable.program(folder, "chromium"))
            patch.setattr(shutil, "which", lambda _name, program=program: program)
            browser = stack.enter_context(browsers.chromium(playwright))
            opened.append(stack.enter_context(rooms.windows(browser, url)))
        patch.undo()
        yield opened

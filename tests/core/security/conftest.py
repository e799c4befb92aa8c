"""What tests of signing in share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.security import oidc, oidc_network
from tests.support import oidc as providers
from tests.support.house import House
from tests.support.oidc import CLIENT_ID, CLIENT_SECRET, Provider


@pytest.fixture
def provider(house: House) -> Iterator[Provider]:
    """Riverside's provider."""
    oidc_network.forget()
    with providers.running() as running:
        with house.at(house.riverside):
            oidc.configure("CIS2", running.issuer, CLIENT_ID, CLIENT_SECRET, "email profile", enabled=True)
        yield running
    oidc_network.forget()

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from core import settings
from core.web import providers
from tests.peers.clinic import Clinic, open_clinic
from tests.peers.twilio_server import AUTH_TOKEN

SENDER = "+441632960001"


@pytest.fixture
def clinic(database_url: str, tmp_path: Path) -> Iterator[Clinic]:
    """On the test's own migrated database: SQLite, or PostgreSQL as well where marked ``both_databases``."""
    with open_clinic(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def client(clinic: Clinic) -> FlaskClient:
    """The providers' routes, as the web process serves it."""
    chosen = {"twilio_auth_token": SecretStr(AUTH_TOKEN), "twilio_from": SENDER}
    settings.configure(clinic.settings.model_copy(update=chosen))
    app = Flask(__name__)
    app.register_blueprint(providers.routes)
    return app.test_client()

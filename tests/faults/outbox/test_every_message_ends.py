"""Providers that refuse, stall and report in any order, workers that are killed: every message ends, nothing is lost.

Times are a tenth of the real ones: providers answer after up to 1.5 s (15 s), and are given up on after 1 s (10 s).
CAREROOM_LONG=1 sends 4,000 messages and kills 100 workers in place of 160 and 4.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from core import db, notifications, patients
from core.notifications import Notification, rules
from tests.faults.outbox.worker import HANDS
from tests.peers.clinic import INVITATION, LINK, Clinic
from tests.peers.smtp_server import SmtpServer, smtp_server
from tests.peers.twilio_server import ACCOUNT_SID, AUTH_TOKEN, TwilioServer, twilio_server

pytestmark = pytest.mark.both_databases

ROOT = Path(__file__).parents[3]
LONG = os.environ.get("CAREROOM_LONG") == "1"
MESSAGES, KILLS, PATIENCE = (4000, 100, 1800) if LONG else (160, 4, 60)
SEED = int(os.environ.get("CAREROOM_SEED", "20261122"))

if LONG:
    pytestmark = [pytestmark, pytest.mark.timeout(3600)]


class Workers:
    """Two worker processes; one that is killed is replaced at once."""

    def __init__(self, clinic: Clinic, **changes: Any) -> None:
        chosen = {
            "environment": "test",
            "database_url": clinic.settings.database_url,
            "data_dir": str(clinic.settings.data_dir),
            "secret_key": "s" * 40,
            "base_url": "https://care.example",
            "provider_timeout_seconds": 1,
            "smtp_tls": "none",
            "rate_limits": False,
            "mail_from": "messages@care.example",
            **changes,
        }
        self._command = [sys.executable, "-m", "tests.faults.outbox.worker", json.dumps(chosen)]
        self._log = clinic.settings.data_dir / "workers.log"
        self.running = [self._start() for _each in range(2)]

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as output:
            return subprocess.Popen(self._command, cwd=ROOT, stdout=output, stderr=output)

    def kill_one(self, chance: random.Random) -> None:
        victim = chance.randrange(2)
        assert self.running[victim].poll() is None, "a worker ended by itself"
        self.running[victim].kill()
        self.running[victim].wait()
        self.running[victim] = self._start()

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()


@contextmanager
def workers(clinic: Clinic, twilio: TwilioServer, smtp: SmtpServer) -> Iterator[Workers]:
    running = Workers(
        clinic,
        sms_backend="twilio",
        twilio_account_sid=ACCOUNT_SID,
        twilio_auth_token=AUTH_TOKEN,
        twilio_from="+441632960001",
        twilio_api_base=twilio.url,
        email_backend="smtp",
        smtp_port=smtp.port,
    )
    try:
        yield running
    finally:
        running.end()


def report(url: str, form: dict[str, str], _signature: str) -> int:
    """What the callback's route does; a provider calls again when it gets no answer."""
    values = parse_qs(urlsplit(url).query)
    for _again in range(5):
        try:
            notifications.twilio_reports(
                form["MessageSid"],
                form["MessageStatus"],
                None,
                notification_id=UUID(values["n"][0]),
                attempt=int(values["a"][0]),
            )
        except DBAPIError:
            time.sleep(0.2)
        else:
            return 204
    return 500


def write(clinic: Clinic) -> dict[str, str]:
    """Two texts and one e-mail in three, each about something else: id -> channel."""
    with clinic.at():
        rules.save({"texts_a_minute": 6000, "emails_a_minute": 6000, "email_instead": True})
        patient = patients.get(clinic.ada)
        rows = [
            notifications.send(
                INVITATION.name,
                patient=patient,
                channels=["email" if number % 3 == 2 else "sms"],
                variables={"patient": "Ada", "link": LINK, "note": ""},
                key=f"fault:{number}",
                subject=("photo_request.request", db.uuid7()),
            )[0]
            for number in range(MESSAGES)
        ]
        return {str(row.id): row.channel for row in rows}


def states(clinic: Clinic) -> Counter[tuple[str, str]]:
    with clinic.at(write=False) as session:
        grouped = session.execute(
            select(Notification.channel, Notification.state, func.count()).group_by(
                Notification.channel, Notification.state
            )
        )
        return Counter({(channel, state): number for channel, state, number in grouped})


def until(condition: Callable[[], bool], seconds: float, what: Callable[[], object]) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"after {seconds} s: {what()}"
        time.sleep(0.1)


def test_every_message_ends_delivered_or_with_a_reason(clinic: Clinic) -> None:
    chance = random.Random(SEED)
    faults: dict[str, Any] = {"refuse_share": 0.05, "stall_share": 0.1, "stall_seconds": 1.5}
    with (
        twilio_server(callbacks="chaos", deliver=report, seed=SEED, **faults) as twilio,
        smtp_server(**faults) as smtp,
    ):
        sent = write(clinic)

        def handed_over() -> int:
            return len(twilio.sent) + len(smtp.mails)

        def has_ended() -> bool:
            now = states(clinic)
            return (
                not any(
                    now[channel, state] for channel in ("sms", "email") for state in ("queued", "sending")
                )
                and not now["sms", "sent"]
            )

        killed = 0
        with workers(clinic, twilio, smtp) as running:
            while killed < KILLS and handed_over() < MESSAGES * 0.9:
                # Spread over the whole of the work, at moments that have nothing to do with it.
                mark = MESSAGES * 0.85 * (killed + chance.random()) / KILLS
                until(
                    lambda mark=mark: handed_over() >= mark or has_ended(), PATIENCE, lambda: states(clinic)
                )
                time.sleep(chance.random() * 0.3)
                running.kill_one(chance)
                killed += 1
            until(has_ended, PATIENCE, lambda: states(clinic))
        twilio.wait_for_callbacks()
        check(clinic, sent, twilio, smtp, killed)


def check(clinic: Clinic, sent: dict[str, str], twilio: TwilioServer, smtp: SmtpServer, killed: int) -> None:
    with clinic.at(write=False) as session:
        rows = {str(row.id): row for row in session.scalars(select(Notification))}
    texts = Counter(parse_qs(urlsplit(one.callback or "").query)["n"][0] for one in twilio.sent)
    mails = Counter(str(mail["Message-ID"]).strip("<>").partition("@")[0] for mail in smtp.mails)

    assert sent.keys() <= rows.keys(), "a message is lost"
    for key, row in rows.items():
        if row.channel == "sms":
            assert row.state in ("delivered", "dead", "failed")
            assert (row.state == "delivered") == (key in texts), (row.state, row.last_error, row.attempts)
        else:
            assert row.state in ("sent", "dead", "failed")
            assert key in mails or row.state != "sent"
        assert row.last_error is None or row.state != "delivered"
        assert row.last_error is not None or row.state not in ("dead", "failed")
    dead = {key for key, row in rows.items() if row.channel == "sms" and row.state == "dead"}
    instead = [str(row.failover_of) for row in rows.values() if row.failover_of is not None]
    assert sorted(instead) == sorted(dead), "each text that died has one e-mail in its place, no other has"

    twice, mailed_twice = sum(texts.values()) - len(texts), sum(mails.values()) - len(mails)
    print(
        f"\n{len(rows)} messages ({len(instead)} of them instead of a text), {killed} workers killed in the middle: "
        f"{twice} texts and {mailed_twice} e-mails were taken twice; states {dict(states(clinic))}"
    )
    # A worker that dies takes what its hands hold with it into the window between the yes and the note of it.
    assert twice <= killed * HANDS
    # A mail server that stalls on the last word takes the mail and nobody hears it; the copy has the same Message-ID.
    assert mailed_twice <= killed * HANDS + smtp.stalls

"""Debian's nginx with our configuration: what passes through, what does not, and what its logs hold."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from http.client import HTTPMessage
from typing import NamedTuple

import pytest

from tests.deploy.grown import Nginx, Served
from tests.journeys import acting
from tests.journeys.people import People
from tests.support.running import eventually

pytestmark = [pytest.mark.postgresql, pytest.mark.redis]


class Answer(NamedTuple):
    status: int
    headers: HTTPMessage
    body: bytes


def _ask(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = urllib.request.Request(url, body, named, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=20, context=tls) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def test_it_says_nothing_against_its_configuration(nginx: Nginx) -> None:
    done = subprocess.run([*nginx.command, "-t"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_each_header_is_there_once_and_the_app_knows_that_it_is_https(nginx: Nginx, careroom: Served) -> None:
    answer = _ask(f"{nginx.url}/login", X_Forwarded_Host="evil.example", X_Forwarded_For="1.2.3.4")
    assert answer.status == 200
    lists = ("set-cookie", "vary")  # each line of these says something else
    names = [name.lower() for name in answer.headers if name.lower() not in lists]
    assert sorted(set(names)) == sorted(names)
    assert "strict-transport-security" in names
    assert answer.headers["Server"] == "nginx"
    assert all("Secure" in cookie for cookie in answer.headers.get_all("Set-Cookie", []))
    policy = answer.headers["Content-Security-Policy"]
    assert "evil.example" not in policy + answer.body.decode()
    assert nginx.url.replace("https", "wss") in policy


def test_text_is_compressed_and_hashed_files_come_from_its_cache(nginx: Nginx, careroom: Served) -> None:
    page = _ask(f"{nginx.url}/login", Accept_Encoding="gzip")
    assert page.headers["Content-Encoding"] == "gzip"
    found = re.search(rb'href="(/static/[^"]+\.css\?v=[0-9a-f]+)"', _ask(f"{nginx.url}/login").body)
    assert found is not None
    url = f"{nginx.url}{found[1].decode()}"
    first = _ask(url)
    assert "immutable" in first.headers["Cache-Control"]
    with_wrong_hash = re.sub(r"v=[0-9a-f]+", "v=000000000000", url)
    assert _ask(with_wrong_hash).headers["Cache-Control"] == "no-cache"

    # With both web processes standing still a file that was asked for before is still answered.
    children = careroom.children("core.server")
    for child in children:
        os.kill(child, signal.SIGSTOP)
    try:
        again = _ask(url, Accept_Encoding="gzip")
    finally:
        for child in children:
            os.kill(child, signal.SIGCONT)
    assert again.status == 200
    assert again.headers["Content-Encoding"] == "gzip"


def test_bodies_have_limits_where_they_arrive(nginx: Nginx) -> None:
    link = "00000000-0000-0000-0000-000000000000"
    part = _ask(f"{nginx.url}/v/{link}/photo_request/uploads/{link}", "PATCH", bytes(2 * 1024 * 1024 + 1))
    assert (part.status, b"nginx" in part.body) == (413, True)
    small = _ask(f"{nginx.url}/v/{link}/photo_request/uploads/{link}", "PATCH", bytes(1024 * 1024))
    assert b"nginx" not in small.body  # our own page refuses a stranger
    form = _ask(f"{nginx.url}/v/{link}/photo_request/photos", "POST", bytes(17 * 1024 * 1024 + 1))
    assert form.status == 413


def test_what_is_for_machines_is_not_for_the_world(nginx: Nginx) -> None:
    assert _ask(f"{nginx.url}/readyz").status == 404
    assert _ask(f"{nginx.url}/metrics").status == 404
    assert _ask(f"{nginx.url}/healthz").status == 200


def test_a_dead_process_is_left_out(nginx: Nginx, careroom: Served) -> None:
    os.kill(careroom.children("core.server")[0], signal.SIGKILL)
    for _ in range(20):
        assert _ask(f"{nginx.url}/login").status == 200
        time.sleep(0.02)
    careroom.wait_until_ready()


def test_its_logs_hold_nothing_personal(nginx: Nginx, careroom: Served, people: People) -> None:
    person = people.new()
    link = acting.ask_for_photos(careroom, person)
    token = link.rpartition("/")[2]
    assert _ask(link).status == 200
    _ask(f"{nginx.url}//l/../l/{token}?x=1")
    _ask(f"{nginx.url}/join/Invited-{token}")
    _ask(f"{nginx.url}/new-password/Forgotten-{token}")
    _ask(f"{nginx.url}/p/riverside/patients?q={person.family_name}", User_Agent="Telltale/1", Referer=link)
    _ask(f"{nginx.url}/v/x", "POST", bytes(18 * 1024 * 1024))  # what nginx itself refuses
    eventually(lambda: '"path":"/v/x"' in nginx.log(), what="the last line")
    log = nginx.log()
    assert '"path":"/l/-"' in log
    assert '"path":"/join/-"' in log
    assert '"path":"/new-password/-"' in log
    for secret in (
        token,
        "Invited",
        "Forgotten",
        person.family_name,
        "Telltale",
        "127.0.0.1 -",
        "Referer",
        "?",
    ):
        assert secret not in log
    assert '"client' not in log


def test_plain_http_leads_to_https(nginx: Nginx) -> None:
    plain = re.findall(r"listen (127\.0\.0\.1:\d+);", (nginx.folder / "site.conf").read_text())
    assert len(plain) == 1
    opener = urllib.request.build_opener(_Stay)
    with pytest.raises(urllib.error.HTTPError) as answer:
        opener.open(f"http://{plain[0]}/l/abc?d=1", timeout=5)
    assert answer.value.code == 301
    assert answer.value.headers["Location"] == "https://127.0.0.1/l/abc?d=1"
    answer.value.close()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None

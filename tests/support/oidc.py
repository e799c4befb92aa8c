"""An OpenID Connect provider on this machine: discovery, code flow with PKCE, signed tokens, keys that change.

It is strict as real ones are: a code works once, with the verifier and the redirect address that it was asked for with.
What it says of the person is ``claims``; ``spoil`` changes an ID token's claims or header before it is signed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "careroom", "a client's secret"
Spoil = Callable[[dict[str, Any], dict[str, Any]], None]


@dataclass
class Provider:
    """The provider's state; ``requests`` counts what was asked of each path."""

    issuer: str = ""
    claims: dict[str, Any] = field(
        default_factory=lambda: {"sub": "sub-1", "email": "sam.taylor@example.com", "email_verified": True}
    )
    keys: list[RSAKey] = field(default_factory=lambda: [_key()])
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    spoil: Spoil = lambda header, claims: None
    hmac: str | None = None
    fails: str | None = None
    """A path that answers with a fault."""
    ends_sessions: bool = False
    """Can people sign out here by a link of ours?"""
    endless: str | None = None
    """A path whose answer never ends: as much as it can send, or with a ``pace`` a byte each so many seconds."""
    pace: float = 0.0
    agrees: bool = False
    """Does whoever comes to its page agree at once, as a browser's person would?"""
    sent: int = 0

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish no other."""
        self.keys = [_key()]

    def authorize(self, asked: dict[str, str]) -> str:
        """What the person's browser does there: they agree, and it is sent back. Answers that address."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The token endpoint; None: invalid_grant."""
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or authorization != f"Basic {basic}":
            return None
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return None
        if (
            form.get("redirect_uri") != asked["redirect_uri"]
            or form.get("grant_type") != "authorization_code"
        ):
            return None
        return {"access_token": "at", "token_type": "Bearer", "id_token": self.id_token(asked["nonce"])}

    def id_token(self, nonce: str) -> str:
        """A signed ID token for this question."""
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce, "auth_time": now,
            **self.claims,
        }  # fmt: skip
        header: dict[str, Any] = {"alg": "RS256", "kid": self.keys[0].kid}
        self.spoil(header, claims)
        key: Any = self.keys[0]
        if self.hmac is not None:
            header["alg"], key = "HS256", OctKey.import_key(self.hmac)
        return jwt.encode(header, claims, key, algorithms=[header["alg"]])


@contextmanager
def running() -> Iterator[Provider]:
    """A provider that answers until the end of the block."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            provider.requests[path] = provider.requests.get(path, 0) + 1
            if provider.fails == path:
                self._say({"error": "down"}, 503)
            elif provider.endless == path:
                self._go_on_forever()
            elif path == "/.well-known/openid-configuration":
                base = provider.issuer
                more = {"end_session_endpoint": f"{base}/logout"} if provider.ends_sessions else {}
                self._say({
                    "issuer": base, "authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token",
                    "jwks_uri": f"{base}/jwks", "response_types_supported": ["code"], **more,
                })  # fmt: skip
            elif path == "/authorize" and provider.agrees:
                asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                self.send_response(302)
                self.send_header("Location", provider.authorize(asked))
                self.end_headers()
            elif path == "/jwks":
                self._say({"keys": [key.as_dict(private=False) for key in provider.keys]})
            else:
                self._say({"error": "not found"}, 404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            if provider.fails == "/token":
                self._say({"error": "server_error"}, 503)
                return
            if provider.endless == "/token":
                self._go_on_forever()
                return
            form = {name: values[0] for name, values in parse_qs(body).items()}
            found = provider.token(form, self.headers.get("Authorization", ""))
            self._say(found or {"error": "invalid_grant"}, 200 if found else 400)

        def _say(self, body: dict[str, Any], status: int = 200) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def _go_on_forever(self) -> None:
            piece = b" " if provider.pace else b" " * 65_536
            self.send_response(200)
            self.send_header("Content-Length", str(10**9))
            self.end_headers()
            try:
                while provider.endless:
                    self.wfile.write(piece)
                    provider.sent += len(piece)
                    time.sleep(provider.pace)
            except OSError:
                return  # they had enough

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        provider.endless = None
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def silent() -> Iterator[tuple[str, str]]:
    """Two issuers that never answer: nobody listens at the first, the second takes a request and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as gone, socket.create_server(("127.0.0.1", 0)) as mute:
        closed = f"http://127.0.0.1:{gone.getsockname()[1]}"
        gone.close()
        yield closed, f"http://127.0.0.1:{mute.getsockname()[1]}"


def _key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig", "alg": "RS256"})

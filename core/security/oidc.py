"""OpenID Connect: a practice's own provider says who somebody is (NHS CIS2 and Pro Santé Connect are such providers).

Code flow with PKCE, state and nonce. What the provider says of a person counts in its practice alone, and the session
that comes of it opens no other: an administrator who controls a provider gains nothing elsewhere. An account is linked
by an invitation to the e-mail address that the provider has verified, or by the person, while signed in.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import structlog
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from core import audit, db, settings
from core.i18n import _
from core.plugin_system import secrets as sealed
from core.security import letters, oidc_network, sessions
from core.security.models import IdentityProvider, Invitation, LinkedIdentity
from core.security.oidc_network import OidcRefused, away, schemes
from core.security.sign_in import subject_of
from core.tenancy import Membership

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Only those that a public key checks: with HS256 the client's secret could sign, and "none" signs nothing."""

LEEWAY: Final = 120  # seconds by which clocks may differ
STATE_SECONDS: Final = 600

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Provider:
    """A practice's provider, with its secret opened: for work outside any scope."""

    practice_id: UUID
    title: str
    issuer: str
    client_id: str
    client_secret: str
    scopes: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What a checked ID token says."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str


# --- a practice's settings -----------------------------------------------------------------------------------------


def configured() -> IdentityProvider | None:
    """The current practice's provider, switched on or not."""
    return db.session().scalar(select(IdentityProvider))


def opened() -> Provider | None:
    """The current practice's provider when it is on, with its secret."""
    row = configured()
    if row is None or not row.enabled:
        return None
    secret = sealed.unseal(row.client_secret, "core", "oidc_client_secret")
    return Provider(row.practice_id, row.title, row.issuer, row.client_id, secret, row.scopes)


def configure(
    title: str, issuer: str, client_id: str, client_secret: str, scopes: str, *, enabled: bool
) -> None:
    """Store the provider. An empty secret keeps the one that is stored. Writes. Raises OidcRefused.

    Whom it let in is signed out when it is switched off or becomes another one.
    """
    issuer = issuer.strip()
    parts = urlsplit(issuer)
    if parts.scheme != "https" and not settings.current().is_open_house:
        raise OidcRefused(_("The issuer is an address that begins with https://."), "issuer", status=422)
    if not parts.hostname or parts.query or parts.fragment or parts.username or len(issuer) > 300:
        raise OidcRefused(_("The issuer is an address that begins with https://."), "issuer", status=422)
    row = configured()
    before = (row.issuer, row.client_id) if row is not None else None
    if row is None:
        row = IdentityProvider(client_secret="")
    if client_secret:
        row.client_secret = sealed.seal(client_secret, "core", "oidc_client_secret")
    if not row.client_secret or not client_id.strip() or not title.strip():
        raise OidcRefused(_("Enter the name, the client id and the client secret."), "incomplete", status=422)
    row.title, row.issuer, row.client_id = title.strip()[:80], issuer, client_id.strip()[:200]
    row.scopes = " ".join(dict.fromkeys(["openid", *scopes.split()]))[:200]
    row.enabled = enabled
    db.session().add(row)
    db.session().flush()
    if before is not None and (not enabled or before != (row.issuer, row.client_id)):
        sessions.end_of_provider(db.practice_id())
    audit.record("identity_provider.changed", detail={"issuer": issuer, "enabled": enabled})


def remove() -> None:
    """Drop the provider and all links to it; whom it let in is signed out. Writes."""
    sessions.end_of_provider(db.practice_id())
    db.session().execute(delete(IdentityProvider))
    db.session().execute(delete(LinkedIdentity))
    audit.record("identity_provider.removed")


# --- what a provider publishes -------------------------------------------------------------------------------------


def metadata(issuer: str) -> dict[str, Any]:
    """The provider's description of itself. Over the network: call it in no scope. Raises OidcRefused."""
    found = oidc_network.published(issuer, issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise away("issuer")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if urlsplit(str(found.get(name, ""))).scheme not in schemes():
            raise away(name)
    return found


def _keys(issuer: str, *, fresh: bool = False) -> KeySet:
    raw = oidc_network.published(issuer, str(metadata(issuer)["jwks_uri"]), fresh=fresh)
    try:
        return KeySet.import_key_set(raw)  # type: ignore[arg-type]
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise away("keys") from error


# --- the flow ------------------------------------------------------------------------------------------------------


def begin(provider: Provider, redirect_uri: str, *, anew: bool = False) -> tuple[str, dict[str, Any]]:
    """Where to send the browser, and what to keep for its way back. Over the network. Raises OidcRefused.

    anew: that somebody is signed in there already is not enough: the provider asks again who it is.
    """
    found = metadata(provider.issuer)
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    client = _client(provider, redirect_uri)
    more = {"prompt": "login", "max_age": 0} if anew else {}
    url, state = client.create_authorization_url(
        found["authorization_endpoint"], code_verifier=verifier, nonce=nonce, response_type="code", **more
    )
    kept = {"state": state, "nonce": nonce, "verifier": verifier, "at": int(time.time()), "anew": anew}
    return str(url), kept


def farewell(provider: Provider, back: str) -> str | None:
    """Where the browser goes to sign out at the provider, too; None where that is not possible. Over the network.

    back: where the provider sends it afterwards; the provider has to know that address.
    """
    try:
        endpoint = str(metadata(provider.issuer).get("end_session_endpoint") or "")
    except OidcRefused:
        return None  # signed out here all the same
    if urlsplit(endpoint).scheme not in schemes():
        return None
    asked = urlencode({"client_id": provider.client_id, "post_logout_redirect_uri": back})
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{asked}"


def finish(
    provider: Provider, redirect_uri: str, kept: dict[str, Any] | None, answer: dict[str, str]
) -> Claims:
    """Who the provider says it is. Over the network. Raises OidcRefused.

    kept: what :func:`begin` answered, from this very browser; answer: the parameters that it came back with.
    """
    given = answer.get("state", "")
    if kept is None or not secrets.compare_digest(given.encode(), str(kept["state"]).encode()):
        raise OidcRefused(_("That sign-in was not begun here. Please begin again."), "state", status=400)
    if time.time() - kept["at"] > STATE_SECONDS:
        raise OidcRefused(_("That took too long. Please sign in again."), "late", status=400)
    if answer.get("iss") not in (None, provider.issuer):
        raise OidcRefused(_("That sign-in was not begun here. Please begin again."), "iss", status=400)
    if "code" not in answer:
        raise OidcRefused(_("The sign-in was broken off. Please try again."), "broken_off", status=400)
    found = metadata(provider.issuer)
    token = oidc_network.post(
        str(found["token_endpoint"]),
        {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "code_verifier": str(kept["verifier"]),
            "redirect_uri": redirect_uri,
        },
        (provider.client_id.encode(), provider.client_secret.encode()),
    )
    since = int(kept["at"]) if kept.get("anew") else None
    return check(provider, str(token.get("id_token") or ""), str(kept["nonce"]), since)


def check(provider: Provider, id_token: str, nonce: str, since: int | None = None) -> Claims:
    """What an ID token says, when the provider signed it for us, now, for this question. Raises OidcRefused.

    since: the person must have shown the provider who they are after that; seconds since 1970, clocks may differ.
    """
    try:
        claims = _decode(provider, id_token)
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        registry.validate(claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        log.warning("oidc_token_refused", error=type(error).__name__)
        words = _(
            "Your practice's sign-in does not answer as it should. Try again later, or use your password."
        )
        raise OidcRefused(words, "token", status=400) from error
    shown_at = claims.get("auth_time")
    if since is not None and not (isinstance(shown_at, int) and shown_at >= since - LEEWAY):
        words = _(
            "Your practice's sign-in did not ask again who you are. Use your password or a passkey instead."
        )
        raise OidcRefused(words, "not_anew", status=403)
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != provider.client_id:
        raise OidcRefused(_("That sign-in was meant for somebody else."), "azp", status=400)
    email = claims.get("email")
    name = claims.get("name")
    return Claims(
        provider.issuer,
        str(claims["sub"])[:255],
        email.strip().lower() if isinstance(email, str) else None,
        claims.get("email_verified") is True,
        name if isinstance(name, str) else "",
    )


def _decode(provider: Provider, id_token: str) -> dict[str, Any]:
    """The claims of a token that one of the provider's keys signed; a key that is new to us is looked for once."""
    try:
        return jwt.decode(id_token, _keys(provider.issuer), algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError):
        return jwt.decode(id_token, _keys(provider.issuer, fresh=True), algorithms=list(ALGORITHMS)).claims


def _client(provider: Provider, redirect_uri: str) -> OAuth2Session:
    return OAuth2Session(
        provider.client_id,
        provider.client_secret,
        scope=provider.scopes,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )


# --- whose account it is -------------------------------------------------------------------------------------------


def user_of(claims: Claims) -> int | None:
    """The user of the current practice whom these claims are about, if they are linked and still work here. Writes."""
    row = db.session().scalar(
        select(LinkedIdentity)
        .join(Membership, Membership.user_id == LinkedIdentity.user_id)
        .where(LinkedIdentity.issuer == claims.issuer, LinkedIdentity.subject == claims.subject)
        .where(Membership.practice_id == db.practice_id())
        .limit(1)
    )
    if row is None:
        return None
    row.last_used_at = db.utcnow()
    return row.user_id


def invited(claims: Claims) -> Invitation | None:
    """The open invitation of the current practice to the address that the provider has verified."""
    if not claims.email or not claims.email_verified:
        return None
    return db.session().scalar(
        select(Invitation)
        .where(func.lower(Invitation.email) == claims.email)
        .where(Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))
        .where(Invitation.expires_at > db.utcnow())
        .limit(1)
    )


def link(user_id: int, claims: Claims) -> None:
    """This person is this user from now on, in the current practice. Writes. Raises OidcRefused."""
    try:
        with db.savepoint():
            db.session().add(LinkedIdentity(issuer=claims.issuer, subject=claims.subject, user_id=user_id))
            db.session().flush()
    except IntegrityError:
        words = _("This sign-in is linked to another account already.")
        raise OidcRefused(words, "linked", status=409) from None
    audit.record("identity.linked", subject=subject_of(user_id), detail={"issuer": claims.issuer})
    letters.tell_change(user_id, letters.IDENTITY_LINKED)


def unlink(user_id: int) -> bool:
    """Forget the link in the current practice, and what it opened; False when there is none. Writes."""
    gone = db.session().execute(delete(LinkedIdentity).where(LinkedIdentity.user_id == user_id))
    if not gone.rowcount:  # type: ignore[attr-defined]
        return False
    sessions.end_of_provider(db.practice_id(), user_id)
    audit.record("identity.unlinked", subject=subject_of(user_id))
    letters.tell_change(user_id, letters.IDENTITY_UNLINKED)
    return True


def links_of(user_id: int) -> list[LinkedIdentity]:
    """A user's links in the current practice."""
    return list(db.session().scalars(select(LinkedIdentity).where(LinkedIdentity.user_id == user_id)))

"""Every setting of Careroom, typed, in one place.

Each field is read from the environment as ``CAREROOM_<NAME>`` (for instance ``CAREROOM_DATABASE_URL``)
or from a file named by ``CAREROOM_ENV_FILE``. :func:`configure` makes a set the process's own.
"""

from __future__ import annotations

import base64
import os
import secrets
from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsMissing(RuntimeError):
    """The settings were asked for before :func:`configure` was called."""


class Settings(BaseSettings):
    """How this installation runs. Defaults suit one practice on one machine (SQLite, files on disk)."""

    model_config = SettingsConfigDict(env_prefix="CAREROOM_", extra="ignore")

    environment: Literal["production", "development", "demo", "test"] = "production"
    base_url: str = Field("http://127.0.0.1:8000", description="What links in messages start with.")
    host: str = Field("127.0.0.1", description="Address that `careroom serve` listens on.")
    port: int = Field(8000, ge=1, le=65535)
    trusted_proxies: int = Field(0, ge=0, description="How many proxies in front set X-Forwarded-*.")

    secret_key: SecretStr = Field(SecretStr(""), description="Signs cookies and tickets; 32+ characters.")
    master_key: SecretStr = Field(
        SecretStr(""), description="32 random bytes, urlsafe base64: wraps each practice's data key."
    )

    old_master_keys: SecretStr = Field(
        SecretStr(""),
        description="Further master keys that still open data keys, comma separated: during a change.",
    )

    data_dir: Path = Path("var")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite under data_dir.")
    migration_url: str = Field(
        "", description="PostgreSQL URL of the tables' owner, for `careroom migrate`; empty: as database_url."
    )
    blob_url: str = Field("", description="fsspec URL of the blob store; empty: files under data_dir.")
    redis_url: str | None = None
    async_mode: Literal["eventlet", "gevent", "threading"] = "eventlet"

    sms_backend: Literal["capture", "twilio"] = "capture"
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_from: str = Field("", description="Number (E.164), sender name, or messaging service (MG...).")
    twilio_api_base: str | None = Field(None, description="Another base URL for the API, used by tests.")

    email_backend: Literal["capture", "smtp"] = "capture"
    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(25, ge=1, le=65535)
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_tls: Literal["none", "starttls", "tls"] = "starttls"
    mail_from: str = "careroom@localhost.localdomain"
    provider_timeout_seconds: float = Field(10, gt=0)

    turn_urls: tuple[str, ...] = Field(
        (), description="Relays of video calls, e.g. turn:turn.example.org:3478?transport=udp; (): none."
    )
    turn_secret: SecretStr = Field(SecretStr(""), description="coturn's static-auth-secret.")
    turn_minutes: int = Field(240, ge=5, le=1440, description="Minutes that credentials for the relay work.")
    stun_urls: tuple[str, ...] = Field(
        (), description="Servers that tell a browser its address, e.g. stun:..."
    )

    text_part_price: Decimal | None = Field(
        None, ge=0, le=100, description="What a part of a text costs, for the usage page of practices."
    )
    text_price_currency: Literal["", "GBP", "EUR", "CHF", "USD"] = Field(
        "", description="Of text_part_price; empty: pounds in Britain, else euros."
    )
    link_days: int = Field(7, ge=1, le=90, description="Days a link lives when the practice says nothing.")
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Bearer token of /metrics; empty: this machine alone may read it."
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Where a worker answers /metrics, /healthz and /readyz; none: nowhere.",
    )
    metrics_host: str = Field("127.0.0.1", description="The address for metrics_port.")
    log_level: Literal["info", "warning"] | None = Field(
        None, description="The least important lines that are logged; info when nothing is said."
    )

    languages: tuple[str, ...] = ("en", "fr")
    pseudo_locales: bool = Field(False, description="Offer en-XA and ar-XB, for tests of translations.")
    safe_mode: bool = Field(False, description="Start without any plugin.")
    strict_hooks: bool | None = Field(
        None,
        description="Check what hooks are given and answer in every detail; nothing said: not in production.",
    )
    reserved_plugins: tuple[str, ...] = Field(
        (),
        description="Plugins that only practices get for which `careroom plugin allow` or `force` named them.",
    )
    rate_limits: bool = True
    console_idle_minutes: int = Field(
        15,
        ge=0,
        le=240,
        description="After how long without anybody an operator's browser locks itself; 0: never.",
    )
    console_second_factor: Literal["optional", "required"] = Field(
        "optional", description="Must operators sign in with a second factor?"
    )
    identity_provider_hosts: tuple[str, ...] = Field(
        (),
        description="Hosts of practices' identity providers that may be inside the operator's own network.",
    )
    breached_passwords: Path | None = Field(
        None, description="File of Have I Been Pwned, SHA-1 ordered by hash: none of them may be a password."
    )
    messages_per_recipient_hour: int = Field(
        10,
        ge=1,
        description="Messages that one number, address or patient may get in an hour, of all practices.",
    )
    messages_per_recipient_day: int = Field(30, ge=1, description="The same in a day.")
    plugin_paths: tuple[str, ...] = Field((), description="Extra plugins as 'package:attribute', for tests.")

    @model_validator(mode="after")
    def _fill_and_check(self) -> Self:
        if not self.database_url:
            self.database_url = f"sqlite:///{(self.data_dir / 'careroom.db').absolute()}"
        if not self.blob_url:
            self.blob_url = f"file://{(self.data_dir / 'blobs').absolute()}"
        self.base_url = self.base_url.rstrip("/")
        if self.environment == "production":
            if len(self.secret_key.get_secret_value()) < 32:
                raise ValueError("CAREROOM_SECRET_KEY must have 32 characters or more in production")
            if not self.master_key.get_secret_value():
                raise ValueError("CAREROOM_MASTER_KEY must be set in production")
            if self.turn_urls and len(self.turn_secret.get_secret_value()) < 16:
                raise ValueError(
                    "CAREROOM_TURN_SECRET must have 16 characters or more where there is a relay"
                )
            if "capture" in (self.sms_backend, self.email_backend):
                raise ValueError("CAREROOM_SMS_BACKEND and CAREROOM_EMAIL_BACKEND: capture sends nothing")
        if self.master_key.get_secret_value() and len(self.master_key_bytes) != 32:
            raise ValueError("CAREROOM_MASTER_KEY must be 32 bytes in urlsafe base64")
        if any(len(key) != 32 for key in self.old_master_keys_bytes):
            raise ValueError("CAREROOM_OLD_MASTER_KEYS: each must be 32 bytes in urlsafe base64")
        return self

    @property
    def is_open_house(self) -> bool:
        """True where messages may be read at /dev/outbox: never in production."""
        return self.environment != "production"

    @property
    def checks_hooks(self) -> bool:
        """Is what hooks answer checked in every detail?"""
        return self.environment != "production" if self.strict_hooks is None else self.strict_hooks

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def master_key_bytes(self) -> bytes:
        """The key that wraps the practices' data keys: 32 bytes."""
        return master_key_bytes(self.master_key.get_secret_value())

    @property
    def old_master_keys_bytes(self) -> tuple[bytes, ...]:
        """The further keys that open data keys and wrap none."""
        texts = (text.strip() for text in self.old_master_keys.get_secret_value().split(","))
        return tuple(master_key_bytes(text) for text in texts if text)


_current: Settings | None = None


def configure(settings: Settings) -> Settings:
    """Make these the settings of the whole process, and answer them."""
    global _current
    _current = settings
    return settings


def current() -> Settings:
    """The settings of this process. Raises SettingsMissing before :func:`configure`."""
    if _current is None:
        raise SettingsMissing("call core.settings.configure(settings) first")
    return _current


def from_environment() -> Settings:
    """Read the settings from the environment and, when CAREROOM_ENV_FILE names one, from that file."""
    return Settings(_env_file=os.environ.get("CAREROOM_ENV_FILE"))


def master_key_bytes(text: str) -> bytes:
    """A master key as it is written into the environment, as bytes. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_master_key() -> str:
    """A fresh master key as it is written into the environment."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")

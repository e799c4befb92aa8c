"""What a page may say on the line: shapes and sizes. Whoever says anything else is dropped before a handler runs."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

# A description of three streams with every codec of a browser has about 10 kB.
SIGNAL_BYTES: Final = 32 * 1024
SMALL_BYTES: Final = 4 * 1024
STROKE_BYTES: Final = 16 * 1024

ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,36}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Number = Annotated[int, Field(ge=0, lt=2**31)]
Quality = Literal["good", "fair", "poor", "none"]
Signals = Literal["description", "candidate", "restart", "rebuild", "bye"]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")

    call: UUID


class Devices(BaseModel):
    """What the page found to see and hear with."""

    model_config = ConfigDict(extra="forbid")

    camera: bool = False
    microphone: bool = False
    speaker: bool = False
    line: Quality | None = None


class Enter(_Said):
    """A page takes part. generation 0: it is new and takes over from an older one; else it comes back."""

    client_id: ClientId
    generation: Number = 0
    devices: Devices = Devices()


class Look(_Said):
    """How does the call stand now?"""


class Description(BaseModel):
    """What ``RTCPeerConnection.localDescription`` says."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["offer", "answer", "pranswer", "rollback"]
    sdp: str = Field("", max_length=28_000)


class Candidate(BaseModel):
    """One ICE candidate."""

    model_config = ConfigDict(extra="forbid")

    candidate: str = Field(max_length=512)
    sdpMid: str | None = Field(None, max_length=16)  # named by the standard
    sdpMLineIndex: Annotated[int, Field(ge=0, le=63)] | None = None  # named by the standard
    usernameFragment: str | None = Field(None, max_length=256)  # named by the standard


class Body(BaseModel):
    """What a signal carries, by its kind."""

    model_config = ConfigDict(extra="forbid")

    description: Description | None = None
    candidates: list[Candidate] = Field(default_factory=list, max_length=30)
    relay: bool = False


class Signal(_Said):
    """From one page to another: client_id and to_client name the two, generation their connection.

    number counts the sender's signals, so that what arrives twice is taken once.
    """

    to: UUID
    client_id: ClientId
    to_client: ClientId
    generation: Number
    number: Number
    kind: Signals
    body: Body = Body()


class Ack(_Said):
    """These signals have arrived."""

    ids: list[UUID] = Field(max_length=100)


class PageState(BaseModel):
    """What the others see of this page."""

    model_config = ConfigDict(extra="forbid")

    muted: bool = False
    camera: bool = True
    sharing: bool = False
    hand: bool = False
    hidden: bool = False


class Here(_Said):
    """The page is still there."""

    client_id: ClientId
    state: PageState = PageState()


class Leave(_Said):
    """The page closes."""

    client_id: ClientId


class Flowing(_Said):
    """Media really arrives."""


class LineDetail(BaseModel):
    """Figures of the line; no addresses."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    ms: int | None = Field(None, ge=0, le=86_400_000)
    rtt: float | None = Field(None, ge=0, le=600_000)
    loss: float | None = Field(None, ge=0, le=100)
    kbps: float | None = Field(None, ge=0, le=10_000_000)
    fps: float | None = Field(None, ge=0, le=1_000)
    relay: bool | None = None
    generation: Number | None = None


class Line(_Said):
    """For the call's log."""

    kind: Literal["connected", "stalled", "restarted", "rebuilt", "relayed", "lost", "recovered", "quality"]
    detail: LineDetail = LineDetail()


class Control(_Said):
    """Asks for something on another's page; what, and whether, is decided by :mod:`controls`."""

    kind: Word
    body: dict[str, JsonValue] = Field(default_factory=dict, max_length=20)


class Stroke(_Said):
    """An operation on a board."""

    board: Word
    op: Word
    body: dict[str, JsonValue] = Field(default_factory=dict, max_length=20)
    key: UUID


_RELAY: Final = re.compile(
    r"candidate:\S+ \d+ \S+ \d+ \S+ \d+ typ relay(?: raddr (?:0\.0\.0\.0|::) rport 0)?"
    r"(?: (?:generation|ufrag|network-id|network-cost) \S+)*"
)
_PLACE: Final = re.compile(
    r"^a=(?:remote-)?candidate|\bIN IP4 (?!(?:0\.0\.0\.0|127\.0\.0\.1)\s)|\bIN IP6 (?!::1?\s)", re.MULTILINE
)


def names_no_address(body: Body) -> bool:
    """Does a signal keep to itself where its page is? A relay's address is not that."""
    sdp = body.description.sdp if body.description else ""
    return not _PLACE.search(sdp) and all(_RELAY.fullmatch(each.candidate) for each in body.candidates)


def plain(model: BaseModel) -> dict[str, Any]:
    """As it is stored and sent."""
    return model.model_dump(mode="json", exclude_defaults=True)

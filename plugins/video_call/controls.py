"""What one side asks of the other's devices and pages in a call. The server decides; the pages only carry out.

Off is at once, and the patient undoes it with their own button. On is asked for, and the patient taps. The patient's
camera is switched and zoomed under one grant a call, which the patient takes back at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.sdk import SocketContext, SocketRefused, audit, db, topic
from plugins.video_call import boards, consents, documents, participants, recording, said, states
from plugins.video_call.errors import CallError
from plugins.video_call.models import CLINICIAN, GUEST, PATIENT, Call, Participant

EVENT: Final = "video_call.control"
STROKE: Final = "video_call.stroke"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Nothing(_Body):
    """The kind says all."""


class Zoom(_Body):
    """level: 1 shows the whole picture."""

    level: float = Field(ge=1, le=10, allow_inf_nan=False)


class Recording(_Body):
    """What is to be recorded."""

    what: Literal["audio", "video"]


class VoiceRecorded(_Body):
    """A guest's word on whether their voice goes into the recording."""

    agreed: bool


class CameraState(_Body):
    """What the patient's camera is and can do: how many there are, and how far it zooms by itself (1: not at all)."""

    cameras: int = Field(ge=0, le=20)
    most_zoom: float = Field(1, ge=1, le=100, allow_inf_nan=False)
    zoom: float = Field(1, ge=1, le=100, allow_inf_nan=False)
    facing: Literal["", "user", "environment", "left", "right"] = ""


class Shown(_Body):
    """A file of this call that is shown large to everybody; None takes it away."""

    file: UUID | None = None


class Board(_Body):
    """A board is opened or closed for everybody."""

    board: Literal["page", "screen"]
    open: bool


@dataclass(frozen=True, slots=True)
class Control:
    """A kind of control: who may send it, to whom it goes, what it says, which grant of the patient it needs.

    asks: the consent that it asks the patient for. noted: it is a change on the trail.
    """

    by: tuple[str, ...]
    to: Literal["patient", "clinician", "guest", "others"] = "patient"
    body: type[_Body] = Nothing
    needs: str | None = None
    asks: str | None = None
    noted: bool = True


_STAFF: Final = (CLINICIAN,)
_BOTH: Final = (CLINICIAN, PATIENT)

CONTROLS: Final[Mapping[str, Control]] = {
    "mic_off": Control(_STAFF),
    "camera_off": Control(_STAFF),
    "ask_mic_on": Control(_STAFF, asks=consents.MICROPHONE_ON),
    "ask_camera_on": Control(_STAFF, asks=consents.CAMERA_ON),
    "ask_camera_control": Control(_STAFF, asks=consents.CAMERA),
    "ask_still": Control(_STAFF, asks=consents.STILL),
    "ask_recording": Control(_STAFF, body=Recording, asks="recording"),
    "ask_guest_recording": Control(_STAFF, to="guest", body=Recording),
    "guest_recorded": Control((GUEST,), to="clinician", body=VoiceRecorded),
    "camera_switch": Control(_STAFF, needs=consents.CAMERA),
    "camera_zoom": Control(_STAFF, body=Zoom, needs=consents.CAMERA, noted=False),
    "camera_state": Control((PATIENT,), to="clinician", body=CameraState, noted=False),
    "share_started": Control(_BOTH, to="others"),
    "share_stopped": Control(_BOTH, to="others"),
    "show_file": Control(_BOTH, to="others", body=Shown),
    "board": Control(_BOTH, to="others", body=Board, noted=False),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What a control does: to whom it is sent, what they get, and what the sender is answered."""

    receivers: tuple[UUID, ...]
    body: dict[str, Any]
    answer: dict[str, Any]


def handle(context: SocketContext, call_id: UUID, me_id: UUID, kind: str, body: Any) -> dict[str, Any]:
    """Take a control from a socket and send it on. Raises SocketRefused with a code for the page's script."""
    with context.scope():
        try:
            decided = decide(*_found(call_id, me_id), kind, body)
        except CallError as refusal:
            raise SocketRefused(refusal.code) from refusal
    for receiver in decided.receivers:
        message = {"call": str(call_id), "from": str(me_id), "kind": kind, "body": decided.body}
        context.emit(topic("video_call.peer", receiver), EVENT, message)
    return decided.answer


def draw(context: SocketContext, asked: said.Stroke, me_id: UUID) -> dict[str, Any]:
    """Keep an operation on a board and send it to everybody else. Raises SocketRefused."""
    with context.scope():
        call, me = _found(asked.call, me_id)
        try:
            row = boards.add(call, me, asked.board, asked.op, asked.body, asked.key)
        except CallError as refusal:
            raise SocketRefused(refusal.code) from refusal
        except ValueError as error:
            raise SocketRefused("malformed") from error
        message = {"call": str(call.id), "from": str(me_id), **boards.as_json(row)}
        receivers = _receivers(call, me, "others")
    for receiver in receivers:
        context.emit(topic("video_call.peer", receiver), STROKE, message)
    return {"number": message["number"]}


def _found(call_id: UUID, me_id: UUID) -> tuple[Call, Participant]:
    call, me = db.get(Call, call_id), db.get(Participant, me_id)
    if call is None or me is None or me.call_id != call.id:
        raise SocketRefused("unknown")
    return call, me


def decide(call: Call, me: Participant, kind: str, body: Any) -> Decision:
    """May this be asked now, and of whom? In a write scope: asks are stored and changes audited.

    Raises SocketRefused for what no page of ours says, NotYours, WrongState, ConsentMissing, RecordingRefused.
    """
    known = CONTROLS.get(kind)
    if known is None:
        raise SocketRefused("unknown")
    if me.role not in known.by or me.left_at is not None:
        raise SocketRefused("not_yours")
    if call.state not in states.TALKING:
        raise SocketRefused("wrong_state")
    try:
        told = known.body.model_validate(body or {})
    except ValidationError as error:
        raise SocketRefused("malformed") from error
    plain = told.model_dump(mode="json")
    answer: dict[str, Any] = {}
    if known.needs is not None:
        consents.need(call, known.needs)
    if known.asks is not None:
        asked = consents.ask(call, me, _consent_kind(known.asks, told))
        answer = plain = {"consent": str(asked.id), "state": asked.state}
    if (prepare := _PREPARE.get(kind)) is not None:
        prepare(call, me, told)
    if known.noted and known.asks is None:
        audit.record(
            "video_call.control",
            patient_id=call.patient_id,
            subject=("video_call.call", call.id),
            detail={"kind": kind, "role": me.role, **_said_in_the_trail(told)},
        )
    return Decision(_receivers(call, me, known.to), plain, answer)


def _said_in_the_trail(told: _Body) -> dict[str, bool]:
    """A guest's yes or no is kept with who said it and when: guests give no consent for the patient, but their own."""
    return {"agreed": told.agreed} if isinstance(told, VoiceRecorded) else {}


def _consent_kind(asks: str, told: _Body) -> str:
    if not isinstance(told, Recording):
        return asks
    recording.check_allowed(told.what)
    return recording.CONSENT[told.what]


def _receivers(call: Call, me: Participant, to: str) -> tuple[UUID, ...]:
    """Everybody whom it concerns and who takes part: nobody who was not let in."""
    return tuple(
        one.id
        for one in participants.all_of(call.id)
        if one.id != me.id
        and one.left_at is None
        and (one.role != GUEST or one.admitted_at is not None)
        and (to == "others" or one.role == to)
    )


def _check_shown(call: Call, _me: Participant, told: Any) -> None:
    """What is shown is shown to the patient: a picture that they may not open is shared first."""
    if told.file is not None and documents.file_of(call, told.file, for_patient=True) is None:
        raise SocketRefused("unknown")
    call.shown_file = told.file


def _check_recorded(call: Call, _me: Participant, told: Any) -> None:
    """Guests are asked for a recording that the patient has agreed to."""
    consents.need(call, _consent_kind("recording", told))


def _open_board(call: Call, _me: Participant, told: Any) -> None:
    if told.open:
        call.open_board = told.board
    elif call.open_board == told.board:
        call.open_board = None


def _clean_screen(call: Call, me: Participant, _told: Any) -> None:
    """What was drawn over the last picture has no place over the next."""
    boards.wipe(call, me, boards.SCREEN)


def _close_screen(call: Call, _me: Participant, _told: Any) -> None:
    """There is nothing any more to draw over."""
    if call.open_board == boards.SCREEN:
        call.open_board = None


_PREPARE: Final[Mapping[str, Callable[[Call, Participant, Any], None]]] = {
    "ask_guest_recording": _check_recorded,
    "show_file": _check_shown,
    "board": _open_board,
    "share_started": _clean_screen,
    "share_stopped": _close_screen,
}

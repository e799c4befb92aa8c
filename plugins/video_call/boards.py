"""Drawing: an operation log for each board, in one order for everybody; whoever joins late replays it.

Boards: "page" (blank) and "screen" (over what is being shared). Places are shares of the board's width and height.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from core.sdk import audit, db, uuid7
from plugins.video_call import settings, states
from plugins.video_call.errors import BoardFull, NotYours, WrongState
from plugins.video_call.models import CLINICIAN, PATIENT, Call, Participant, Stroke

PAGE: Final = "page"
SCREEN: Final = "screen"
BOARDS: Final = (PAGE, SCREEN)
COLOURS: Final = ("ink", "red", "blue", "green", "yellow", "white")
MOST: Final = 4000
LAST: Final = 2**31 - 1
"""No operation has a higher number."""
_TRIES: Final = 5

Share = Annotated[float, Field(ge=-0.25, le=1.25, allow_inf_nan=False)]
Colour = Literal["ink", "red", "blue", "green", "yellow", "white"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StrokeBody(_Body):
    """A line: points of x, y and pressure. size: its width as a share of the board's width."""

    points: list[tuple[Share, Share, Share]] = Field(min_length=1, max_length=600)
    colour: Colour = "ink"
    size: float = Field(0.006, ge=0.001, le=0.08)


class TextBody(_Body):
    """Words that begin at x, y. size: their height as a share of the board's width."""

    x: Share
    y: Share
    text: str = Field(min_length=1, max_length=300)
    colour: Colour = "ink"
    size: float = Field(0.03, ge=0.01, le=0.2)


class EraseBody(_Body):
    """What goes: the keys of strokes and words."""

    of: list[UUID] = Field(min_length=1, max_length=200)


class ClearBody(_Body):
    """Everything goes."""


_BODIES: Final[Mapping[str, type[_Body]]] = {
    "stroke": StrokeBody,
    "text": TextBody,
    "erase": EraseBody,
    "clear": ClearBody,
}


def may_draw(me: Participant) -> bool:
    """The clinician always; the patient where the practice lets them; guests look on."""
    if me.left_at is not None:
        return False
    return me.role == CLINICIAN or (me.role == PATIENT and settings.here().patient_may_draw)


def add(call: Call, me: Participant, board: str, op: str, body: Any, key: UUID) -> Stroke:
    """Put an operation at the end of a board's log. The same key a second time answers the first.

    Raises NotYours, WrongState, BoardFull; ValueError for what is none of ours.
    """
    if not may_draw(me):
        raise NotYours()
    if call.state not in states.TALKING:
        raise WrongState()
    return _put(call, me, board, op, checked(board, op, body), key)


def wipe(call: Call, me: Participant, board: str) -> None:
    """Empty a board, whoever may draw on it: what it lay over is gone. Raises BoardFull."""
    if of_call(call.id, board):
        _put(call, me, board, "clear", {}, uuid7())


def _put(call: Call, me: Participant, board: str, op: str, plain: dict[str, Any], key: UUID) -> Stroke:
    for _attempt in range(_TRIES):
        known = _known(call, key)
        if known is not None:
            return known
        try:
            with db.savepoint():
                return _append(call, me, board, op, plain, key)
        except IntegrityError:  # somebody else's line took this number
            continue
    raise BoardFull()


def checked(board: str, op: str, body: Any) -> dict[str, Any]:
    """The body of an operation, with nothing but what belongs there. Raises ValueError."""
    if board not in BOARDS or op not in _BODIES:
        raise ValueError("no such board or operation")
    try:
        return _BODIES[op].model_validate(body).model_dump(mode="json")
    except ValidationError as error:
        raise ValueError("not an operation of a board") from error


def of_call(call_id: UUID, board: str, after: int = 0) -> list[Stroke]:
    """The operations of a board with higher numbers than ``after``, in order; from the last clearing on."""
    first = max(after + 1, _cleared(call_id, board))
    wanted = select(Stroke).where(Stroke.call_id == call_id, Stroke.board == board, Stroke.number >= first)
    return list(db.session().scalars(wanted.order_by(Stroke.number)))


def as_json(row: Stroke) -> dict[str, Any]:
    """An operation as pages take it."""
    return {
        "number": row.number,
        "board": row.board,
        "op": row.op,
        "body": row.body,
        "key": str(row.client_key),
        "author": row.author,
    }


def _cleared(call_id: UUID, board: str) -> int:
    """The number of the last clearing, or 0."""
    wanted = select(func.max(Stroke.number)).where(
        Stroke.call_id == call_id, Stroke.board == board, Stroke.op == "clear"
    )
    return db.session().scalar(wanted) or 0


def _known(call: Call, key: UUID) -> Stroke | None:
    return db.session().scalar(select(Stroke).where(Stroke.call_id == call.id, Stroke.client_key == key))


def _append(call: Call, me: Participant, board: str, op: str, body: dict[str, Any], key: UUID) -> Stroke:
    last = db.session().scalar(
        select(func.max(Stroke.number)).where(Stroke.call_id == call.id, Stroke.board == board)
    )
    # Numbers have no gaps: so many operations are on the board.
    if op != "clear" and (last or 0) - _cleared(call.id, board) >= MOST:
        raise BoardFull()
    made = Stroke(
        call_id=call.id,
        board=board,
        number=(last or 0) + 1,
        op=op,
        client_key=key,
        author=str(me.id),
        body=body,
    )
    db.session().add(made)
    db.session().flush()
    if made.number == 1 or op == "clear":  # that somebody drew is worth an entry; each line is not
        audit.record(
            "video_call.board_cleared" if op == "clear" else "video_call.board_begun",
            patient_id=call.patient_id,
            subject=("video_call.call", call.id),
            detail={"board": board, "role": me.role},
        )
    return made

"""What this plugin refuses, and the sentence that the person reads."""

from __future__ import annotations

from core.sdk import Worded, _l


class CallError(Worded):
    """Base of the errors below: the web room shows ``message`` in the reader's language."""

    text = _l("This did not work. Please try again.")


class WrongState(CallError):
    """The call has moved on meanwhile (somebody else admitted or ended it, or it expired)."""

    kind = "wrong_state"
    text = _l("The consultation has moved on meanwhile. The page now shows how it stands.")


class NotYours(CallError):
    """Somebody asks for a step that is not theirs to take."""

    kind = "not_yours"
    text = _l("You cannot do this in this consultation.")


class CannotInvite(CallError):
    """Something in the invitation's form does not do. field: the one that it is about."""

    kind = "cannot_invite"
    text = _l("Choose how to send the invitation.")

    def __init__(self, message: str | None = None, *, field: str = "channels") -> None:
        super().__init__(message)
        self.field = field


class ConsentMissing(CallError):
    """What was asked for needs the patient's consent first."""

    kind = "consent_missing"
    text = _l("The patient has not agreed to this.")


class ChatRefused(CallError):
    """This line or file is not taken; the message says why."""

    kind = "not_taken"
    text = _l("This was not sent.")

    def __init__(self, message: str | None = None, *, status: int = 422) -> None:
        super().__init__(message, status=status)


class BackgroundRefused(CallError):
    """This picture cannot be a background; ``field``: the name of the field that is wrong."""

    kind = "not_taken"
    text = _l("This picture cannot be used. Please try another.")

    def __init__(self, message: str | None = None, *, status: int = 422, field: str = "picture") -> None:
        super().__init__(message)
        self.status = status
        self.field = field


class AskedTooSoon(CallError):
    """The patient refused the same question a moment ago."""

    kind = "too_soon"
    text = _l("The patient said no a moment ago. You can ask again in a minute.")


class TakenOver(CallError):
    """Another window or device of the same person goes on with the call."""

    kind = "taken_over"
    text = _l("This consultation goes on in another window or on another device.")


class RecordingRefused(CallError):
    """The practice or the law of its country does not allow this recording."""

    kind = "recording_refused"
    text = _l("Recording is not allowed here.")


class OutcomeMissing(CallError):
    """The form after a call does not say how it went."""

    kind = "outcome_missing"
    text = _l("Choose how it went; where it was unsuccessful, choose the reason, too.")

    def __init__(self) -> None:
        super().__init__(status=422)


class NotesChanged(CallError):
    """The notes are other ones than those that the form was shown with."""

    kind = "notes_changed"
    text = _l("Somebody changed the notes meanwhile. Nothing was saved yet: put both together, then save.")


class BoardFull(CallError):
    """Nothing more fits on this board."""

    kind = "board_full"
    text = _l("Nothing more fits on this board. Clear it first.")

"""What this plugin refuses, and the sentence that the person reads."""

from __future__ import annotations

from core.sdk import Worded, _l, files


class PhotoRequestError(Worded):
    """Base of the errors below: the web room shows ``message`` in the reader's language."""

    text = _l("This did not work. Please try again.")


class CannotSend(PhotoRequestError):
    """No way to send was chosen, or the patient has no number or address for it."""

    kind = "cannot_send"
    text = _l("Choose how to send the request.")


class RequestClosed(PhotoRequestError):
    """The request has moved on meanwhile (somebody closed or cancelled it, or it expired)."""

    kind = "closed"
    text = _l("This request is closed already. The page now shows how it stands.")


class PhotoNotReady(PhotoRequestError):
    """Nobody can decide about a photo that has not arrived or cannot be seen."""

    kind = "not_ready"
    text = _l("This photo is still being prepared. Please wait a moment.")


class ReasonMissing(PhotoRequestError):
    """A photo is rejected with a reason, or not at all."""

    kind = "reason_missing"
    text = _l("Choose why you reject the photo; for another reason, write it down.")


class AgreementMissing(PhotoRequestError):
    """Photos are taken only after the patient has agreed."""

    kind = "agreement_missing"
    text = _l("Please confirm that no photo shows an intimate area, then send.")


class NothingChosen(PhotoRequestError):
    """The patient sent no photo."""

    kind = "nothing_chosen"
    text = _l("Please choose at least one photo.")


class TooManyChosen(PhotoRequestError):
    """More photos, or more bytes, than the request has room for."""

    kind = "too_many_chosen"
    text = _l("These are too many photos. Please remove some.")


class UploadRefused(files.FileRefused):
    """An upload that this request does not take; ``reason`` is one of :data:`REFUSALS`."""

    def __init__(self, reason: str, **values: object) -> None:
        text = str(REFUSALS[reason])
        super().__init__(reason, text % values if values else text)


REFUSALS = {
    "not_agreed": _l("Please agree and send this photo again."),
    "closed": _l("The practice has closed this request, so no more photos can be added."),
    "too_many": _l("This request takes %(max)d photos at most. This one was not added."),
    "too_much": _l("All photos together may have %(limit)s MB at most. This one was not added."),
}

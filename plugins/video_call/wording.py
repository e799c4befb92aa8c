"""Words that are more than labels: why a consultation was unsuccessful, ready sentences, what the trail says."""

from __future__ import annotations

from typing import Final

from core.sdk import _, _l, audit
from plugins.video_call import states

STATES: Final = {
    states.SCHEDULED: _l("Planned"),
    states.INVITED: _l("Invited"),
    states.WAITING: _l("Getting ready"),
    states.READY: _l("In the waiting room"),
    states.ADMITTED: _l("Connecting"),
    states.IN_CALL: _l("In the call"),
    states.ON_HOLD: _l("On hold"),
    states.ENDED: _l("Ended"),
    states.MISSED: _l("Missed"),
    states.DECLINED: _l("Declined"),
}
"""How a call stands, in tables and exports."""
RESULTS: Final = {"completed": _l("Completed"), "unsuccessful": _l("Unsuccessful")}


def reasons() -> dict[str, str]:
    """Why a consultation was unsuccessful, by code: what the clinician chooses from."""
    return {
        "no_show": _("The patient did not come"),
        "technical": _("Technical trouble"),
        "no_sound": _("No sound"),
        "no_picture": _("No picture, or too poor"),
        "wrong_person": _("Not the right person"),
        "needs_visit": _("Needs to be seen in person"),
        "phone": _("Went on by telephone"),
        "cancelled": _("Cancelled"),
        "other": _("Another reason"),
    }


def to_waiting() -> list[str]:
    """Sentences that a clinician sends to a waiting patient with one press."""
    return [
        _("I know that you are here. I will be with you in a moment."),
        _("I am running about 10 minutes late. Please stay on this page."),
        _("Please have your medicines and a light at hand."),
    ]


def declining() -> list[str]:
    """What a patient may be told when the clinician does not take the call."""
    return [
        _("I cannot take this call now. We will send you a new time."),
        _("Please call the practice instead."),
        _("You need to be seen in person. Please call us for an appointment."),
    ]


audit.describe(
    {
        "video_call.invited": _l("Invited to a video consultation"),
        "video_call.planned": _l("Video consultation planned"),
        "video_call.sent_again": _l("Invitation to a video consultation sent again"),
        "video_call.leave_early": _l("Patient left the waiting room long before the time"),
        "video_call.resume_checking": _l("Patient goes on with the check of camera and sound"),
        "video_call.moved": _l("Video consultation planned for another time"),
        "video_call.reminded": _l("Patient reminded of a video consultation"),
        "video_call.not_reminded": _l("Reminder of a video consultation could not be sent"),
        "video_call.invite": _l("Planned video consultation begun"),
        "video_call.arrive": _l("Patient opened the video consultation"),
        "video_call.started": _l("Patient pressed “Start video call”"),
        "video_call.ready": _l("Patient is in the waiting room"),
        "video_call.unready": _l("Patient left the waiting room"),
        "video_call.admit": _l("Patient let in"),
        "video_call.connect": _l("Video call connected"),
        "video_call.hold": _l("Video call on hold"),
        "video_call.resume": _l("Video call goes on"),
        "video_call.resume_waiting": _l("Patient is back in the waiting room"),
        "video_call.message": _l("Message to the waiting patient"),
        "video_call.decline": _l("Video consultation declined"),
        "video_call.transfer": _l("Video consultation handed over"),
        "video_call.cancel": _l("Video consultation cancelled"),
        "video_call.miss": _l("Video consultation missed"),
        "video_call.end": _l("Video call ended"),
        "video_call.outcome": _l("Result of the video consultation noted"),
        "video_call.notes": _l("Notes of a video consultation begun"),
        "video_call.feedback": _l("Patient said how the video call went"),
        "video_call.guest_invited": _l("Guest invited to the video consultation"),
        "video_call.guest_arrived": _l("Guest is waiting"),
        "video_call.guest_admitted": _l("Guest let in"),
        "video_call.guest_removed": _l("Guest sent away"),
    }
)

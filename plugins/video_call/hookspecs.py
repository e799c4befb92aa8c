"""The hooks that this plugin publishes. Each takes one context; the docstrings are the plugin author's reference."""

from __future__ import annotations

from core.sdk import Panel, PatientPart, contract
from plugins.video_call.contexts import (
    CallContext,
    CallPageContext,
    NotHeldContext,
    OutcomeContext,
    PatientPageContext,
)


@contract(Panel)
def video_call_panels(ctx: CallPageContext) -> list[Panel]:  # type: ignore[empty-body]  # a declaration
    """Panels of the pages of a call, in the slots ``video_call.sidebar``, ``video_call.toolbar`` and
    ``video_call.ended_staff``."""


@contract(PatientPart)
def video_call_patient_parts(ctx: PatientPageContext) -> list[PatientPart]:  # type: ignore[empty-body]  # a declaration
    """Parts of the patient's pages, in the slots ``video_call.waiting_patient`` (while they wait: a form to fill in)
    and ``video_call.ended_patient`` (what is left to do: pay, book again). Not asked for guests."""


@contract(policy="isolate", budget=2.0)
def video_call_created(ctx: CallContext) -> None:
    """A patient was invited to a call, or one was planned. Called in the transaction that made it."""


@contract(policy="isolate", budget=2.0)
def video_call_started(ctx: CallContext) -> None:
    """The patient pressed "Start video call" (or "Come in now", where they were let in while they read).

    A phone call that this one began as (``ctx.call.phone_first``) can end now. Called again when they load the page
    again and press it again.
    """


@contract(policy="isolate", budget=2.0)
def video_call_patient_waiting(ctx: CallContext) -> None:
    """The patient came to the waiting room and can be admitted.

    Called again when they went back to the check of their devices and came in anew, not when their page was away.
    """


@contract(policy="isolate", budget=2.0)
def video_call_admitted(ctx: CallContext) -> None:
    """The clinician let the patient in. Called in the transaction that admitted them.

    A phone call that this one began as goes on until the patient starts: see ``video_call_started``.
    """


@contract(policy="isolate", budget=2.0)
def video_call_consultation_ended(ctx: OutcomeContext) -> None:
    """The consultation ended and the clinician said how. Called in the transaction that stored the outcome."""


@contract(policy="isolate", budget=2.0)
def video_call_not_held(ctx: NotHeldContext) -> None:
    """The consultation will not take place: taken back, missed or declined. Called in the transaction that said so.

    When somebody notes a reason for it later, ``video_call_consultation_ended`` is called, too.
    """

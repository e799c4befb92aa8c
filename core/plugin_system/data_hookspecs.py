"""The hooks by which a plugin hands over, and erases, what it holds about a patient or a practice.

Every installed plugin is asked, also where it is off: switching off keeps data, and what is kept must be handed over
and erased when somebody asks. So an implementation reads its own tables and nothing that a switch decides.

A plugin that implements none of them is spoken for by its tables: what has a ``patient_id``, and what leads to such a
row by a foreign key, is about that patient; what has a ``practice_id`` is that practice's.
"""

from __future__ import annotations

from typing import Final

from core.patient_data import Erased, ExportPart, PatientDataContext, PracticeDataContext
from core.plugin_system.hookspecs import contract

WORKER_BUDGET: Final = 60.0
"""Seconds. Nobody waits at a page for these."""


@contract(ExportPart, policy="required", budget=WORKER_BUDGET)
def export_patient(ctx: PatientDataContext) -> list[ExportPart]:  # type: ignore[empty-body]
    """Everything that this plugin holds about the patient, in parts: for a subject access request.

    Called by the worker in a scope that only reads, in the patient's language. When it raises, there is no export, and
    staff see at whose part it failed.
    """


@contract(Erased, policy="required", budget=WORKER_BUDGET)
def erase_patient(ctx: PatientDataContext) -> list[Erased]:  # type: ignore[empty-body]
    """Erase everything that this plugin holds about the patient, and say how much went and what stays, and why.

    With ``ctx.preview`` say the same and change nothing. Called by the worker in one transaction with all others: when
    it raises, or leaves rows or files of the patient behind without a reason (``Erased.stays``), nothing is erased at
    all and staff see whose fault it was. What is outside of the database goes by a job that this transaction enqueues.
    """


@contract(ExportPart, policy="required", budget=WORKER_BUDGET)
def export_practice(ctx: PracticeDataContext) -> list[ExportPart]:  # type: ignore[empty-body]
    """What belongs into the export of a whole practice beside the plugin's tables and files, which go in by themselves.

    For what is held elsewhere, such as an account at a provider. Called in a scope that only reads.
    """


@contract(Erased, policy="required", budget=WORKER_BUDGET)
def erase_practice(ctx: PracticeDataContext) -> list[Erased]:  # type: ignore[empty-body]
    """What is to be done before this plugin's rows of a whole practice go; its tables and files go by themselves.

    For what is held elsewhere. Called in a transaction of its own, before anything is removed; when it raises, nothing
    of this plugin is.
    """

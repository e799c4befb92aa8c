"""An entry of the trail as a FHIR R4B AuditEvent: a plain dict, ready for JSON.

https://hl7.org/fhir/R4B/auditevent.html. The chain travels along as extensions, so that an export can be compared
with the trail it came from.
"""

from __future__ import annotations

from typing import Any, Final

from core.audit.chain import Entry
from core.audit.models import SHOWN
from core.tenancy import Practice

_EXTENSION: Final = "urn:careroom:audit:"
_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_ROLES: Final = "http://terminology.hl7.org/CodeSystem/object-role"
_KINDS: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_SOURCES: Final = "http://terminology.hl7.org/CodeSystem/security-source-type"
_PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_RECORD: Final = {"system": _DICOM, "code": "110110", "display": "Patient Record"}
_ACTIVITY: Final = {"system": _DICOM, "code": "110100", "display": "Application Activity"}
_AGENTS: Final = {"staff": "Practitioner", "patient": "Patient", "system": "Device"}

_READING: Final = frozenset({"viewed", "seen", "searched", "read", "used", "exported", "verified", "listed"})
_CREATING: Final = frozenset({"created", "queued", "issued", "received", "sent", "imported", "requested"})
_DELETING: Final = frozenset({"deleted", "removed", "erased"})


def audit_event(entry: Entry, practice: Practice | None) -> dict[str, Any]:
    """The entry as AuditEvent. Its id is the entry's; nothing is asked of the database."""
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(entry.id),
        "extension": [
            {"url": f"{_EXTENSION}number", "valueInteger": entry.seq},
            {"url": f"{_EXTENSION}hash", "valueString": entry.hash},
            {"url": f"{_EXTENSION}previous-hash", "valueString": entry.prev_hash},
        ],
        "type": _RECORD if entry.patient_id or entry.shown else _ACTIVITY,
        "subtype": [{"system": f"{_EXTENSION}action", "code": entry.action}],
        "action": code_of(entry.action),
        "recorded": entry.at.isoformat(timespec="milliseconds"),
        "outcome": "0",
        "agent": [_agent(entry)],
        "source": {
            "site": practice.name if practice is not None else "Careroom",
            "observer": {"display": "Careroom"},
            "type": [{"system": _SOURCES, "code": "4", "display": "Application Server"}],
        },
    }
    if entry.reason:
        event["purposeOfEvent"] = [{"text": entry.reason}]
    if entities := _entities(entry):
        event["entity"] = entities
    return event


def code_of(action: str) -> str:
    """C, R, U, D or E for an action such as "patient.viewed"; E (execute) where none of the others fits."""
    what = action.rpartition(".")[2].rpartition("_")[2]
    if what in _READING:
        return "R"
    if what in _CREATING:
        return "C"
    if what in _DELETING:
        return "D"
    return "U" if what in ("changed", "edited", "kept", "rejected", "commented") else "E"


def _agent(entry: Entry) -> dict[str, Any]:
    who: dict[str, Any] = {
        "type": _AGENTS.get(entry.actor_kind, "Device"),
        "identifier": {"system": f"{_EXTENSION}{entry.actor_kind}", "value": entry.actor_id},
        "display": entry.actor_name,
    }
    if entry.actor_kind == "patient" and entry.patient_id is not None:
        who["reference"] = f"Patient/{entry.patient_id}"
    agent: dict[str, Any] = {
        "type": {"coding": [{"system": _PARTICIPATION, "code": "AUT", "display": "author (originator)"}]},
        "who": who,
        "name": entry.actor_name,
        "requestor": entry.actor_kind != "system",
    }
    if entry.address:
        agent["network"] = {"address": entry.address, "type": "2"}  # an IP address
    return agent


def _entities(entry: Entry) -> list[dict[str, Any]]:
    whose = [entry.patient_id] if entry.patient_id is not None else []
    entities: list[dict[str, Any]] = [
        {
            "what": {"reference": f"Patient/{patient_id}"},
            "type": {"system": _KINDS, "code": "1", "display": "Person"},
            "role": {"system": _ROLES, "code": "1", "display": "Patient"},
        }
        for patient_id in (*whose, *entry.shown)
    ]
    said = entry.detail or {}
    facts: list[tuple[str, object]] = [
        (name, value) for name, value in said.items() if name != SHOWN or not entry.shown
    ]
    if entry.request_id:
        facts.append(("request", entry.request_id))
    if entry.subject_id is not None or facts:
        thing: dict[str, Any] = {
            "type": {"system": _KINDS, "code": "2", "display": "System Object"},
            "role": {"system": _ROLES, "code": "4", "display": "Domain Resource"},
        }
        if entry.subject_id is not None:
            identifier = {"system": f"{_EXTENSION}{entry.subject_type}", "value": str(entry.subject_id)}
            thing["what"] = {"identifier": identifier}
        if facts:
            thing["detail"] = [{"type": name, "valueString": _plain(value)} for name, value in facts]
        entities.append(thing)
    return entities


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return str(value) or "-"  # FHIR has no empty strings

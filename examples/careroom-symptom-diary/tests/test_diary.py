"""From the first question to the last day, as clinician and patient see it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from core.jobs.service import running_for
from core.testing.house import Visitor
from core.testing.practices import Practices

from careroom_symptom_diary import calendar, reminders, service
from careroom_symptom_diary.models import Diary

START = {
    "scales": ["pain", "temperature", "note"],
    "threshold_pain": "7",
    "threshold_temperature": "38,5",
    "days": "14",
    "hour": "18",
    "channel": "sms",
    "note": "Measure in the evening, please.",
}
GOOD = {"pain": "3", "temperature": "36,9", "note": "Slept well."}
BAD = {"pain": "8", "temperature": "37.0", "note": ""}


@pytest.fixture
def started(clinician: Visitor, patient, practices: Practices, work) -> Diary:
    """A diary that Amira asked Margaret Whitfield to keep, and the invitation sent."""
    answer = clinician.post(f"/p/riverside/symptom_diary/patients/{patient.id}/new", START)
    assert answer.status_code == 303
    work()
    return diary_of(practices, patient)


def diary_of(practices: Practices, patient) -> Diary:
    with practices.at(write=False):
        return service.of_patient(patient.id)[0]


def workspace(clinician: Visitor, patient) -> str:
    return clinician.get(f"/p/riverside/patients/{patient.id}/panels/symptom_diary/diary").get_data(
        as_text=True
    )


def remind(practices: Practices, diary: Diary, days: int) -> None:
    """What the job does, so many days after the first day."""
    day = diary.first_day + timedelta(days=days)
    with running_for(practices.here):
        reminders.remind({"diary_id": str(diary.id), "day": day.isoformat()})


def test_the_invitation_leads_to_the_form(started, outbox, open_link):
    (message,) = outbox
    assert message.template == "symptom_diary.invitation"
    page = open_link().get().get_data(as_text=True)
    assert "How strong is your pain today" in page
    assert "Measure in the evening, please." in page
    assert "short of breath" not in page, "only what the clinician chose"


def test_an_entry_is_a_point_in_the_workspace_at_once(started, clinician, patient, open_link, events):
    phone = open_link()
    assert phone.post(data=GOOD).status_code == 303
    assert "Thank you, that is all for today" in phone.get().get_data(as_text=True)
    panel = workspace(clinician, patient)
    assert "3 of 10" in panel and "36.9 °C" in panel and "Slept well." in panel
    assert "<svg" in panel and "<table" in panel
    assert events.of(service.topic_of(patient.id)) == ["written"]


def test_todays_entry_can_be_corrected_and_stays_one(started, clinician, patient, open_link, practices):
    phone = open_link()
    phone.post(data=GOOD)
    assert 'value="3" checked' in phone.get("/?edit=1").get_data(as_text=True)
    phone.post(data={**GOOD, "pain": "5"})
    with practices.at(write=False):
        (entry,) = service.entries_of(diary_of(practices, patient))
    assert entry.readings == {"pain": "5", "temperature": "36.9"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"temperature": "37"}, "Please choose a number from 0 to 10."),
        ({"pain": "11", "temperature": "37"}, "Please choose a number from 0 to 10."),
        ({"pain": "3", "temperature": "370"}, "Please write a temperature between 34 and 43"),
        ({"pain": "3", "temperature": "warm"}, "Please write a temperature between 34 and 43"),
        ({"pain": "٣", "temperature": "37"}, "Please choose a number from 0 to 10."),
    ],
)
def test_what_is_no_value_is_asked_for_again_and_nothing_is_lost(started, open_link, said, told):
    answer = open_link().post(data={**said, "note": "Kept as I wrote it"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert told in page
    assert "Kept as I wrote it" in page


def test_a_value_at_the_threshold_rings_the_bell_once(started, clinician, open_link):
    phone = open_link()
    for _again in range(2):
        phone.post(data=BAD)
    bell = clinician.get("/p/riverside/bell").get_data(as_text=True)
    assert len(re.findall(r"Symptom diary of Margaret Whitfield: look at today", bell)) == 1


def test_a_reminder_goes_out_unless_the_day_is_written(
    started, practices, outbox, open_link, work, monkeypatch
):
    phone = open_link()
    monkeypatch.setattr(reminders, "today", lambda: started.first_day + timedelta(days=1))
    remind(practices, started, 1)
    remind(practices, started, 1)
    assert [m.template for m in outbox] == ["symptom_diary.reminder", "symptom_diary.invitation"]
    monkeypatch.setattr(reminders, "today", calendar.today)
    phone.post(data=GOOD)
    remind(practices, started, 0)
    assert len(outbox) == 2, "what is written needs no reminder"


def test_the_day_after_the_last_one_ends_the_diary(started, practices, patient, open_link, monkeypatch):
    phone = open_link()
    monkeypatch.setattr(reminders, "today", lambda: started.last_day + timedelta(days=1))
    remind(practices, started, 14)
    assert diary_of(practices, patient).state == "ended"
    assert phone.get().status_code >= 400, "the link has ended with it"


def test_a_stopped_diary_sends_nothing_more(started, practices, clinician, patient, outbox):
    assert clinician.post(f"/p/riverside/symptom_diary/diaries/{started.id}/stop").status_code == 303
    remind(practices, started, 1)
    assert len(outbox) == 1
    assert diary_of(practices, patient).state == "stopped"


def test_nothing_is_started_with_nothing_to_ask(clinician, patient, practices):
    url = f"/p/riverside/symptom_diary/patients/{patient.id}/new"
    answer = clinician.post(url, {**START, "scales": ["note"]})
    assert answer.status_code == 422
    assert "Please choose at least one thing to ask for." in answer.get_data(as_text=True)
    with practices.at(write=False):
        assert service.of_patient(patient.id) == []


def test_the_form_sent_twice_asks_once(clinician, patient, practices, outbox):
    url = f"/p/riverside/symptom_diary/patients/{patient.id}/new"
    found = re.search(r'name="id" value="([^"]+)"', clinician.get(url).get_data(as_text=True))
    for _again in range(2):
        assert clinician.post(url, {**START, "id": found.group(1)}).status_code == 303
    assert len(outbox) == 1


def test_it_speaks_french_to_whom_it_should(clinician, practices, open_link, work):
    house = practices.house
    garnier = house.patient(practices.here, house.patient_id(practices.here, "Garnier"))
    clinician.post(f"/p/riverside/symptom_diary/patients/{garnier.id}/new", START)
    work()
    assert "Comment allez-vous aujourd’hui" in open_link().get().get_data(as_text=True)


def test_who_may_not_read_it_sees_none_of_it(started, patient, receptionist, stranger):
    assert receptionist.get(f"/p/riverside/symptom_diary/diaries/{started.id}").status_code == 403
    assert stranger.get(f"/p/lumiere/symptom_diary/diaries/{started.id}").status_code == 404

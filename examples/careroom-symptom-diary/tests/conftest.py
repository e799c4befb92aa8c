"""The fixtures that come with Careroom: practices, patient, clinician, open_link, outbox, events, work ..."""

pytest_plugins = ["core.testing"]

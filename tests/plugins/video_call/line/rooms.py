"""Pages that hold nothing but the line of a call, in real Chromiums, at the real server: what a call's pages build on.

The page is answered by the test itself below the real addresses, so cookies, sockets and modules are the real ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_appbuilder.security.sqla.models import User
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from core import audit, db, notifications, patients
from core.audit import Actor
from core.patients import Patient
from core.realtime import tickets
from core.web import assets
from plugins.video_call import invitations, participants, service
from plugins.video_call.invitations import Wish
from plugins.video_call.models import PATIENT, Call
from tests.support.running import Careroom

FAKE_MEDIA = (
    "--use-fake-device-for-media-stream=device-count=2",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
_PAGE = """<!doctype html><html lang="en"><head><title>Line</title><meta name="csrf-token" content="{csrf}">
<script type="importmap">{imports}</script></head>
<body data-ticket="{ticket}" data-seq="0" data-socket-path="{socket}"><video autoplay playsinline muted></video>
<script type="module">
import {{ openRoom }} from "{line}/room.js";
import {{ acquire }} from "{line}/media.js";
window.heard = []; window.began = performance.now();
const video = document.querySelector("video");
window.enter = async ({{ media = true }} = {{}}) => {{
  const stream = media ? (await acquire({{ height: 360 }})).stream : null;
  const room = await openRoom({{ callId: "{call}", local: {{ stream }} }});
  window.room = room;
  for (const name of ["state", "people", "line", "control", "pointer", "stroke", "phone", "taken_over", "over"])
    room.addEventListener(name, ({{ detail }}) => window.heard.push([name, detail]));
  const show = (stream) => {{ if (stream && video.srcObject !== stream) video.srcObject = stream; }};
  room.addEventListener("stream", ({{ detail }}) => detail.kind === "main" && show(detail.stream));
  for (const {{ main }} of room.streams.values()) show(main);
}};
video.requestVideoFrameCallback(() => {{ window.first = Date.now(); }});
window.frames = () => video.getVideoPlaybackQuality().totalVideoFrames;
window.pixels = () => {{
  const canvas = new OffscreenCanvas(64, 36); const paint = canvas.getContext("2d");
  paint.drawImage(video, 0, 0, 64, 36);
  return Array.from(paint.getImageData(0, 0, 64, 36).data).join();
}};
window.isReady = true;
</script></body></html>"""


@dataclass(frozen=True, slots=True)
class Consultation:
    """A call of a new patient that Amira holds; the patient is in the waiting room."""

    careroom: Careroom
    practice_id: UUID
    id: UUID
    link_id: UUID
    path: str
    born: tuple[int, int, int]
    amira: Actor

    def admit(self) -> None:
        """As Amira, straight at the service: the test process is none of the web process."""
        with self.careroom.at("riverside", write=True), audit.use_actor(self.amira):
            service.admit(db.session().get_one(Call, (self.practice_id, self.id)))

    def step(self, name: str) -> None:
        with self.careroom.at("riverside", write=True), audit.use_actor(self.amira):
            getattr(service, name)(db.session().get_one(Call, (self.practice_id, self.id)))

    def hang_up(self) -> None:
        with self.careroom.at("riverside", write=True), audit.use_actor(self.amira):
            service.end(db.session().get_one(Call, (self.practice_id, self.id)), "clinician")

    @property
    def state(self) -> str:
        with self.careroom.at("riverside"):
            return db.session().get_one(Call, (self.practice_id, self.id)).state

    def topics(self, actor_id: str) -> tuple[str, str]:
        return participants.topics(self.id, actor_id)


def consultation(careroom: Careroom, family_name: str = "Whitfield") -> Consultation:
    """Invite, arrive, ready."""
    with db.scope(write=False) as session:
        user = session.scalars(select(User).where(User.username == "amira")).unique().one()
        amira = Actor("staff", str(user.id), user.get_full_name())
    with careroom.at("riverside", write=True) as session, audit.use_actor(amira):
        patient = session.scalars(select(Patient).where(Patient.family_name == family_name)).first()
        assert patient is not None
        call = invitations.invite(patients.get(patient.id), Wish(["email"]))
        born, link_id = patient.birth_date, call.link_id
        assert link_id is not None
        body = notifications.about(call.id)[0].body
        path = "/l/" + body.partition("/l/")[2][:32]
        made = Consultation(
            careroom, db.practice_id(), call.id, link_id, path, (born.day, born.month, born.year), amira
        )
    with (
        careroom.at("riverside", write=True) as session,
        audit.use_actor(Actor("patient", str(link_id), "patient")),
    ):
        call = session.get_one(Call, (made.practice_id, made.id))
        service.arrive(call)
        participants.add(call, PATIENT, str(link_id), "Margaret Whitfield")
        service.ready(call)
    return made


@contextmanager
def windows(browser: Browser, url: str) -> Iterator[Any]:
    """``open()`` makes a page in a context of its own."""
    contexts = []

    def opened() -> Page:
        context = browser.new_context(
            base_url=url, permissions=["camera", "microphone", "local-network-access"]
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        return context.new_page()

    try:
        yield opened
    finally:
        for context in contexts:
            context.close()


def as_patient(page: Page, made: Consultation) -> Page:
    """The patient's page, past the question for the date of birth."""
    page.goto(made.path)
    for name, value in zip(("day", "month", "year"), made.born, strict=True):
        page.locator(f"input[name={name}]").fill(str(value))
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url(f"**/v/{made.link_id}/**")
    return line_page(page, made, f"/v/{made.link_id}", "patient", str(made.link_id), None)


def as_amira(page: Page, made: Consultation) -> Page:
    """Amira's page."""
    from core import demo

    page.goto("/login")
    page.locator("input[name=username]").fill("amira")
    page.locator("input[name=password]").fill(demo.PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/p/*/")
    binding = tickets.read(page.locator("body").get_attribute("data-ticket") or "").binding
    return line_page(page, made, "", "staff", made.amira.id, binding)


def line_page(
    page: Page, made: Consultation, base: str, kind: str, actor_id: str, binding: UUID | None
) -> Page:
    """The bare page in place of the real one; reloading it gives it a fresh ticket."""
    csrf = page.locator("meta[name=csrf-token]").get_attribute("content") if not base else ""

    def answer(route: Any) -> None:
        names = {f"careroom/{p.stem}": f"/static/js/{p.name}" for p in (assets.STATIC / "js").glob("*.js")}
        names["socket.io-client"] = "/static/vendor/socket.io.esm.min.js"
        bound = binding or tickets.binding(f"link:{made.link_id}")
        html = _PAGE.format(
            imports=json.dumps({"imports": names}),
            ticket=ticket(made, kind, actor_id, bound),
            socket=f"{base}/socket.io",
            line="/s/riverside/video_call/line",
            call=made.id,
            csrf=csrf,
        )
        route.fulfill(body=html, content_type="text/html")

    page.route("**/line-test", answer)
    page.goto(f"{base}/line-test")
    page.wait_for_function("window.isReady")
    return page


def ticket(made: Consultation, kind: str, actor_id: str, bound: UUID) -> str:
    """What the page of a call is handed, bound to a session that the test knows only by its stand-in."""
    said = {
        "p": made.practice_id.hex, "t": sorted(made.topics(actor_id)), "k": kind, "a": actor_id,
        "b": bound.hex, "g": "",
    }  # fmt: skip
    return str(tickets._serializer().dumps(said))


def enter(page: Page, **options: Any) -> Page:
    page.evaluate("options => enter(options)", options)
    return page


def flows(page: Page, seconds: float = 15) -> None:
    """Frames arrive, and they are not all the same picture."""
    before = page.evaluate("frames()")
    page.wait_for_function("before => frames() > before + 4", arg=before, timeout=seconds * 1000)
    shown = page.evaluate("pixels()")
    page.wait_for_function("shown => pixels() !== shown", arg=shown, timeout=5_000)

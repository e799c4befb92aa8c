"""The small application with one live page: the scripts of the core in a real browser."""

from __future__ import annotations

import json
from uuid import UUID

from flask import Flask, Response, render_template_string, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import db, realtime
from core.realtime import browser, tickets
from core.settings import Settings
from core.web import assets
from tests.core.realtime import small_app

TOPIC = "demo.a:1"
_PAGE = """<!doctype html>
<html lang="en-GB"><head><title>Live</title>
<script type="importmap">{{ imports }}</script></head>
<body data-ticket="{{ ticket }}" data-seq="{{ seq }}" data-ticket-url="/ticket/{{ practice_id }}"
 data-socket-path="/socket.io">
<main id="content" tabindex="-1">
<span data-connection data-state="idle" data-connected="Live" data-disconnected="No connection">
<b data-connection-word></b></span>
<section id="panel" data-panel="demo.panel" data-panel-url="/panel" data-topics="{{ topic }}"
 data-announce="Changed">{{ panel|safe }}</section>
<time datetime="2020-01-01T00:00:00Z" data-relative-time>1 January 2020</time>
</main>
<div data-toasts role="status"></div>
<template data-toast="rejected"><span>Rejected</span> <button type="button" data-toast-action>Undo</button></template>
<script type="application/json" id="words">{"close": "Close", "try_again": "Try again",
 "new_information": "Show what is new", "something_went_wrong": "That went wrong."}</script>
<script>
  window.heard = []; window.states = [];
  document.addEventListener("careroom:event", (e) => heard.push(e.detail.ids.number));
  document.addEventListener("careroom:connection", (e) => states.push(e.detail.state));
</script>
<script type="module" src="/core-static/js/boot.js"></script>
</body></html>"""


def create_app(chosen: Settings) -> Flask:
    app = small_app.create_app(chosen)
    app.static_folder = str(assets.STATIC)
    app.add_url_rule("/core-static/<path:filename>", endpoint="core_static", view_func=app.send_static_file)
    shown = {"html": "<p id=state>first</p>", "status": 200}

    @app.get("/live/<uuid:practice_id>")
    def live(practice_id: UUID) -> ResponseReturnValue:
        names = {
            f"careroom/{path.stem}": f"/core-static/js/{path.name}"
            for path in (assets.STATIC / "js").glob("*.js")
        }
        names["socket.io-client"] = "/core-static/vendor/socket.io.esm.min.js"
        with db.scope(practice_id, write=False):
            ticket = request.args.get("ticket") or tickets.issue(
                [TOPIC], actor_kind="staff", actor_id="7", session_id=browser.session_id()
            )
            return render_template_string(
                _PAGE,
                imports=Markup(json.dumps({"imports": names})),
                ticket=ticket,
                seq=realtime.last_seq(),
                practice_id=practice_id,
                topic=TOPIC,
                panel=shown["html"],
            )

    @app.get("/panel")
    def panel() -> Response:
        assert request.headers["X-Panel"] == "1"
        return Response(shown["html"], status=int(str(shown["status"])))

    @app.post("/panel")
    def change() -> ResponseReturnValue:
        shown.update(request.get_json())
        return {}

    @app.get("/session-id")
    def session_id() -> ResponseReturnValue:
        return {"id": browser.session_id()}

    return app

"""The operation log of a board: one order for everybody, each operation once, replayed by whoever comes late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from core.sdk import SocketRefused
from plugins.video_call import boards, consents, controls, documents, tools
from plugins.video_call.errors import BoardFull, NotYours
from tests.plugins.video_call.conftest import BASE, Handset, Made
from tests.plugins.video_call.tools.conftest import Talk
from tests.support.house import Visitor
from tests.support.photos import jpeg

LINE = {"points": [[0.1, 0.1, 0.5], [0.4, 0.5, 0.5]], "colour": "red", "size": 0.01}
TEXT = {"x": 0.2, "y": 0.3, "text": "left knee"}


def draw(talk: Talk, op: str, body: object, *, by_patient: bool = False, key: Any = None) -> int:
    with talk.patient() if by_patient else talk.clinician() as (call, me):
        return boards.add(call, me, "page", op, body, key or uuid4()).number


@pytest.mark.both_databases
def test_operations_have_one_order_and_come_once(talk: Talk) -> None:
    key = uuid4()
    assert draw(talk, "stroke", LINE, key=key) == 1
    assert draw(talk, "text", TEXT, by_patient=True) == 2
    assert draw(talk, "stroke", LINE, key=key) == 1  # the answer was lost and the page says it again
    assert draw(talk, "erase", {"of": [str(key)]}) == 3
    with talk.clinician() as (call, _me):
        assert [row.op for row in boards.of_call(call.id, "page")] == ["stroke", "text", "erase"]
        assert [row.number for row in boards.of_call(call.id, "page", after=2)] == [3]
    assert draw(talk, "clear", {}) == 4
    assert draw(talk, "stroke", LINE) == 5
    with talk.clinician() as (call, _me):
        assert [row.op for row in boards.of_call(call.id, "page")] == ["clear", "stroke"]
    assert talk.trail("video_call.board") == ["video_call.board_begun", "video_call.board_cleared"]


def test_who_joins_late_reads_the_board(talk: Talk, enter: Callable[[Made], Handset]) -> None:
    draw(talk, "stroke", LINE)
    read = enter(talk.made).get("/boards/page").get_json()
    (one,) = read["strokes"]
    assert (one["op"], one["body"], read["may_draw"]) == ("stroke", LINE, True)
    assert enter(talk.made).get("/boards/wall").status_code == 404


def test_the_practice_may_keep_the_pen_to_itself_and_guests_look_on(
    talk: Talk, guest_of: Callable[..., Any]
) -> None:
    guest_id, _phone = guest_of(talk.made)
    talk.set(patient_may_draw=False)
    with pytest.raises(NotYours):
        draw(talk, "stroke", LINE, by_patient=True)
    assert draw(talk, "stroke", LINE) == 1
    with talk.clinician() as (call, me):
        others = controls._receivers(call, me, "others")
        assert guest_id not in others  # not let in yet
        assert len(others) == 1


@pytest.mark.parametrize(
    ("board", "op", "body"),
    [
        ("wall", "stroke", LINE),
        ("page", "explode", {}),
        ("page", "stroke", {**LINE, "points": []}),
        ("page", "stroke", {**LINE, "points": [[float("nan"), 0.1, 0.5]]}),
        ("page", "stroke", {**LINE, "points": [[9, 0.1, 0.5]]}),
        ("page", "stroke", {**LINE, "onclick": "x"}),
        ("page", "text", {**TEXT, "text": "x" * 301}),
        ("page", "erase", {"of": ["nobody"]}),
    ],
)
def test_what_is_no_operation_is_not_kept(talk: Talk, board: str, op: str, body: object) -> None:
    with pytest.raises(ValueError, match=r"operation|board"), talk.clinician() as (call, me):
        boards.add(call, me, board, op, body, uuid4())


def test_a_board_that_was_full_is_empty_again_once_it_is_cleared(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "MOST", 3)
    for _line in range(3):
        draw(talk, "stroke", LINE)
    with pytest.raises(BoardFull):
        draw(talk, "stroke", LINE)
    draw(talk, "clear", {})
    draw(talk, "stroke", LINE)


@pytest.mark.both_databases
def test_a_board_after_any_number(talk: Talk, enter: Callable[[Made], Handset]) -> None:
    draw(talk, "stroke", LINE)
    phone = enter(talk.made)
    for after, left in (("0", 1), ("-1", 1), ("nine", 1), ("1", 0), ("9" * 30, 0), ("9" * 5000, 1)):
        answer = phone.get(f"/boards/page?after={after}")
        assert answer.status_code == 200, after
        assert len(answer.get_json()["strokes"]) == left, after


def test_what_is_shown_is_what_the_patient_may_open(talk: Talk, amira: Visitor) -> None:
    path = f"{BASE}/calls/{talk.made.id}"
    headers = {"Accept": "application/json"}
    grant = talk.grant(consents.STILL)
    still = amira.post(f"{path}/stills?consent={grant}", jpeg(), content_type="image/jpeg", headers=headers)

    def show() -> None:
        with talk.clinician() as (call, me):
            (one,) = documents.of_call(call.id)
            controls.decide(call, me, "show_file", {"file": str(one.file_id)})

    with pytest.raises(SocketRefused, match="unknown"):
        show()
    amira.post(f"{path}/documents/{still.get_json()['id']}/share", {"shared": "1"}, headers=headers)
    show()
    with talk.clinician() as (call, _me):
        assert call.shown_file is not None


def test_a_new_share_begins_with_a_clean_screen(talk: Talk) -> None:
    with talk.clinician() as (call, me):
        boards.add(call, me, "screen", "stroke", LINE, uuid4())
    with talk.clinician() as (call, me):
        controls.decide(call, me, "share_started", {})
        assert [row.op for row in boards.of_call(call.id, "screen")] == ["clear"]
        controls.decide(call, me, "board", {"board": "screen", "open": True})
        assert call.open_board == "screen"
        controls.decide(call, me, "share_stopped", {})
        assert call.open_board is None


def test_a_patient_who_may_not_draw_shares_a_clean_screen_all_the_same(talk: Talk) -> None:
    talk.set(patient_may_draw=False)
    with talk.clinician() as (call, me):
        boards.add(call, me, "screen", "stroke", LINE, uuid4())
        boards.add(call, me, "page", "stroke", LINE, uuid4())
    with talk.patient() as (call, me):
        controls.decide(call, me, "share_started", {})
    with talk.clinician() as (call, _me):
        assert [row.op for row in boards.of_call(call.id, "screen")] == ["clear"]
        assert [row.op for row in boards.of_call(call.id, "page")] == ["stroke"]


def test_a_board_that_is_open_is_open_for_a_page_that_is_loaded_again(talk: Talk) -> None:
    def open_now() -> object:
        with talk.clinician() as (call, _me):
            return tools.page_json(call, "patient", "/")["board"]

    with talk.clinician() as (call, me):
        controls.decide(call, me, "board", {"board": "page", "open": True})
    assert open_now() == "page"
    with talk.clinician() as (call, _me):
        assert tools.page_json(call, "guest", "/")["board"] is None
    with talk.patient() as (call, me):
        controls.decide(call, me, "board", {"board": "screen", "open": False})
    assert open_now() == "page"  # another one was closed
    with talk.patient() as (call, me):
        controls.decide(call, me, "board", {"board": "page", "open": False})
    assert open_now() is None

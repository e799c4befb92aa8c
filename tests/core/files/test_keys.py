"""A practice's data key: made once, wrapped, rotated without losing what was written before."""

from __future__ import annotations

import io
import threading
from uuid import UUID

import pytest
from sqlalchemy import select

from core import db, settings
from core.files import crypto, keys
from core.files.crypto import Context
from core.files.models import DataKey
from core.settings import new_master_key

pytestmark = pytest.mark.both_databases


def test_the_first_use_makes_the_key_and_later_ones_find_it(practice: UUID) -> None:
    first = keys.for_writing(practice)
    keys.forget()
    assert keys.for_writing(practice) == first
    assert keys.for_reading(practice, first[0]) == first[1]
    assert len(first[1]) == 32


def test_ten_at_once_agree_on_one_key(practice: UUID) -> None:
    ready, found = threading.Barrier(10), []

    def ask() -> None:
        ready.wait()
        found.append(keys.for_writing(practice))

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 10
    assert len(set(found)) == 1
    with db.scope(practice, write=False) as session:
        assert len(session.scalars(select(DataKey)).all()) == 1


def test_practices_have_different_keys_and_not_each_others(practice: UUID, other_practice: UUID) -> None:
    ours, theirs = keys.for_writing(practice), keys.for_writing(other_practice)
    assert ours[1] != theirs[1]
    keys.forget()
    with pytest.raises(keys.KeyUnavailable):
        keys.for_reading(practice, theirs[0])


def test_a_wrapped_key_copied_to_another_practice_does_not_open(practice: UUID, other_practice: UUID) -> None:
    key_id, _key = keys.for_writing(practice)
    with db.scope(practice, write=False):
        row = db.get(DataKey, key_id)
        assert row is not None
    with db.scope(other_practice) as session:
        session.add(DataKey(id=key_id, generation=1, wrapped=row.wrapped, master_key=row.master_key))
    keys.forget()
    with pytest.raises(keys.KeyUnavailable):
        keys.for_reading(other_practice, key_id)


def test_the_key_is_not_stored_in_the_clear(practice: UUID) -> None:
    _key_id, key = keys.for_writing(practice)
    with db.scope(practice, write=False) as session:
        row = session.scalars(select(DataKey)).one()
    assert key not in row.wrapped
    assert len(row.wrapped) == 12 + 32 + 16


def test_another_master_key_opens_nothing(practice: UUID) -> None:
    key_id, _key = keys.for_writing(practice)
    there = settings.current()
    settings.configure(there.model_copy(update={"master_key": type(there.master_key)(new_master_key())}))
    with pytest.raises(keys.KeyUnavailable):
        keys.for_reading(practice, key_id)


def test_after_a_rotation_old_blobs_still_open(practice: UUID) -> None:
    place = Context(practice, practice, "original")

    def written() -> bytes:
        return b"".join(crypto.encrypt(io.BytesIO(b"photo"), *keys.for_writing(practice), place))

    def read(blob: bytes) -> bytes:
        return crypto.decrypt(io.BytesIO(blob), place, lambda key: keys.for_reading(practice, key)).read()

    before = written()
    new = keys.rotate(practice)
    keys.forget()
    after = written()
    assert crypto.key_id_of(after) == new != crypto.key_id_of(before)
    assert read(before) == read(after) == b"photo"


def test_the_first_use_inside_a_write_scope_does_not_wait_for_itself(practice: UUID) -> None:
    with db.scope(practice) as session:
        session.scalars(select(DataKey)).all()  # the write lock is ours from here on
        made = keys.for_writing(practice)
    assert keys.for_writing(practice) == made

"""What several people choose for a practice at once: nobody takes away what somebody else has just chosen."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from threading import Thread

import pytest

from core import branding, links, retention, tenancy
from core.links import policies
from core.notifications import rules as message_rules
from core.notifications import usage
from core.security import roles
from core.security import rules as sign_in_rules
from tests.support.house import House

KIND = retention.KINDS[0]


def _keep_longer() -> None:
    retention.service.choose(KIND, next(days for days in range(1, 4000) if KIND.allows(days)))


CHOICES: dict[str, Callable[[], object]] = {
    "a_role": lambda: roles.make("Nurse", "", ["core.view_patients"]),
    "sign_in": lambda: sign_in_rules.save({"idle_minutes": 30}),
    "retention": _keep_longer,
    "messages": lambda: message_rules.save({}),
    "price": lambda: usage.set_price(Decimal("0.05"), "GBP"),
    "links": lambda: policies.choose({policies.EVERY: links.policies.Policy(days=3)}),
    "logo": branding.logo.remove,
}


@pytest.mark.postgresql
@pytest.mark.parametrize("choose", CHOICES.values(), ids=CHOICES)
def test_what_another_chose_meanwhile_remains(house: House, choose: Callable[[], object]) -> None:
    with house.at(house.riverside):
        assert "elsewhere" not in tenancy.current().profile
        with house.at(house.riverside):
            practice = tenancy.held()
            practice.profile = {**practice.profile, "elsewhere": "chosen"}
        choose()
    with house.at(house.riverside, write=False):
        assert tenancy.current().profile["elsewhere"] == "chosen"


@pytest.mark.postgresql
def test_two_at_once_wait_for_each_other_and_both_remain(house: House) -> None:
    def other() -> None:
        with house.at(house.riverside):
            usage.set_price(Decimal("0.05"), "GBP")

    second = Thread(target=other)
    with house.at(house.riverside):
        sign_in_rules.save({"idle_minutes": 30})
        second.start()
        second.join(0.5)
        assert second.is_alive()
    second.join(30)
    with house.at(house.riverside, write=False):
        assert sign_in_rules.of(tenancy.current()).idle_minutes == 30
        assert usage.price().amount == Decimal("0.05")

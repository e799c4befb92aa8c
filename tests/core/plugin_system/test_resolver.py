"""One resolver, and a reason for every answer."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.i18n import use_language
from core.plugin_system import Capability, Plugin
from core.plugin_system.order import in_order
from core.plugin_system.resolver import RULES, Choice, Reason, resolve
from tests.support.plugins import make

ON, OFF = Choice(True), Choice(False)


def answers(*plugins: Plugin, country: str = "GB", **choices: Choice) -> dict[str, Reason]:
    with use_language("en"):
        return resolve(plugins, choices, country)


def test_off_names_what_it_needs() -> None:
    found = answers(
        make("appointments", title="Appointments"),
        make("billing_fr", title="Billing", requires=("appointments",)),
        billing_fr=ON,
    )
    assert found["billing_fr"].code == "needs"
    assert found["billing_fr"].sentence == "Off. It needs Appointments, which is off here."


def test_a_plugin_for_france_is_not_offered_in_great_britain() -> None:
    found = answers(make("x_fr", regions=("FR", "BE")), x_fr=Choice(True, "force"))
    assert found["x_fr"].code == "region"
    assert found["x_fr"].sentence == (
        "Off. It is made for practices in France, Belgium; this one is in United Kingdom."
    )
    assert answers(make("x_fr", regions=("FR", "BE")), country="FR", x_fr=ON)["x_fr"].on


def test_of_two_in_conflict_the_first_is_on_and_the_other_says_why_not() -> None:
    plugins = make("x_a", title="First", conflicts=("x_b",)), make("x_b", title="Second")
    both = answers(*plugins, x_a=ON, x_b=ON)
    assert (both["x_a"].on, both["x_b"].code) == (True, "conflicts")
    assert both["x_b"].sentence == "Off. It does not work beside First, which is on here."
    assert answers(*plugins, x_b=ON)["x_a"].code == "conflicts", "also the one that comes first"


def test_the_operator_has_the_last_word_but_for_what_it_cannot_work_without() -> None:
    plugin = make("x_a")
    assert answers(plugin, x_a=Choice(False, "force"))["x_a"].code == "forced_by_operator"
    assert answers(plugin, x_a=Choice(True, "deny"))["x_a"].code == "denied_by_operator"
    needy = make("x_b", requires=("x_a",))
    assert answers(plugin, needy, x_b=Choice(True, "force"))["x_b"].code == "needs"


def test_a_reserved_plugin_is_for_those_whom_the_operator_allows_it() -> None:
    plugins = (make("x_a", default_on=True),)
    assert resolve(plugins, {}, "GB", ("x_a",))["x_a"].code == "denied_by_operator"
    assert resolve(plugins, {"x_a": Choice(True, "allow")}, "GB", ("x_a",))["x_a"].on


def test_what_was_agreed_to_covers_less_and_not_more() -> None:
    plugin = make("x_a", capabilities=(Capability.SENDS_SMS, Capability.SENDS_EMAIL))
    assert answers(plugin, x_a=Choice(True, agreed=frozenset(["sends_sms"])))["x_a"].code == "consent_widened"
    wide = frozenset(["sends_sms", "sends_email", "stores_files"])
    assert answers(plugin, x_a=Choice(True, agreed=wide))["x_a"].on


NAMES = [f"x_{letter}" for letter in "abcdefg"]


@st.composite
def houses(draw: st.DrawFn) -> tuple[list[Plugin], dict[str, Choice]]:
    some = st.sets(st.sampled_from(NAMES), max_size=2)
    made = {}
    for number, name in enumerate(NAMES):
        earlier = set(NAMES[:number])
        requires = tuple(sorted(draw(some) & earlier))
        conflicts = tuple(sorted(draw(some) - {name} - set(requires)))
        regions = draw(st.sampled_from([(), ("GB",), ("FR",)]))
        capability = draw(st.sampled_from([(), (Capability.SENDS_SMS,)]))
        made[name] = make(
            name, requires=requires, conflicts=conflicts, regions=regions, capabilities=capability
        )
    choices = {
        name: Choice(
            draw(st.booleans()), draw(st.sampled_from(RULES)), draw(st.sampled_from([None, frozenset()]))
        )
        for name in draw(st.sets(st.sampled_from(NAMES)))
    }
    return in_order(made, lambda _refusal: None), choices


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])  # a busy machine
@given(houses())
def test_what_is_on_has_all_it_needs_and_nothing_it_cannot_bear(
    given_house: tuple[list[Plugin], dict[str, Choice]],
) -> None:
    plugins, choices = given_house
    reasons = resolve(plugins, choices, "GB")
    on = {name for name, reason in reasons.items() if reason.on}
    assert [plugin.name for plugin in plugins] == list(reasons)
    for plugin in plugins:
        choice, reason = choices.get(plugin.name, OFF), reasons[plugin.name]
        assert reason.sentence
        assert reason.on == (reason.code in ("on", "forced_by_operator"))
        if reason.on:
            assert on >= set(plugin.requires)
            assert not on & set(plugin.conflicts)
            assert plugin.regions in ((), ("GB",))
            assert choice.enabled or choice.rule == "force"
            assert choice.rule != "deny"
            assert choice.agreed is None or not plugin.capabilities

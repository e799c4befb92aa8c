"""The dashboard and the alerts name no metric that Careroom does not have, and every metric has its panel."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from core import metrics
from core.observability.gauges import Gauges
from core.realtime.sockets import bus_of
from core.web.metrics import Sockets

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = re.compile(r"careroom_[a-z_]+")


def series(metric: Metric) -> set[str]:
    if metric.type == "histogram":
        return {f"{metric.name}_{part}" for part in ("bucket", "count", "sum")}
    return {f"{metric.name}_total"} if metric.type == "counter" else {metric.name}


@pytest.fixture
def known(app: object) -> dict[str, set[str]]:
    """metric -> its series, of a running application."""
    parts: tuple[Collector, ...] = (metrics.REGISTRY, Gauges(), Sockets(bus_of(app)))  # type: ignore[arg-type]
    assert CounterMetricFamily("x", "y").type == "counter"
    return {metric.name: series(metric) for part in parts for metric in part.collect()}


def test_the_dashboard_shows_every_metric_and_none_that_is_not(known: dict[str, set[str]]) -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "careroom.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    named = {name for expression in expressions for name in NAME.findall(expression)}
    assert named <= set().union(*known.values())
    unseen = {name for name, made in known.items() if not named & made}
    assert unseen == set()
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(places)


def test_the_alerts_ask_for_metrics_that_there_are(known: dict[str, set[str]]) -> None:
    rules = (DEPLOY / "prometheus" / "careroom.rules.yml").read_text()
    expressions = re.findall(r"expr: (.+)", rules)
    assert len(expressions) == rules.count("- alert:")
    named = {name for expression in expressions for name in NAME.findall(expression)}
    assert named
    assert named <= set().union(*known.values())

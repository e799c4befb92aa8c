"""/metrics of a web process: its requests, its hub, its sockets, and what the database knows of the queues.

Each process answers for itself: with several, Prometheus asks each on its own port.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from flask import Flask, Response, current_app, g, request
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core import metrics, settings
from core.observability import exposition, hub_lag
from core.observability.gauges import Gauges
from core.realtime.bus import Bus
from core.realtime.sockets import bus_of
from core.web.routes import CoreRoutes

routes = CoreRoutes("metrics", __name__)
_GAUGES: Final = "careroom.gauges"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def install(app: Flask) -> None:
    """Count and time every request. Call before the gate's: what the gate does is part of the time."""
    app.extensions[_GAUGES] = Gauges()
    app.before_request(_begin)
    app.after_request(_count)


@routes.get("/metrics", access="static")
def show() -> Response:
    """The metrics as text; 404 to whoever may not read them, as if nothing were here."""
    if not exposition.may_read(settings.current(), request.remote_addr, dict(request.headers)):
        return Response(status=404)
    hub_lag.start()
    gauges: Gauges = current_app.extensions[_GAUGES]
    text = exposition.text(gauges, Sockets(bus_of(current_app)))
    return Response(text, content_type=exposition.CONTENT_TYPE)


class Sockets(Collector):
    """What the bus of this process counts."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def collect(self) -> Iterator[Metric]:
        connected = GaugeMetricFamily("careroom_sockets_connected", "Sockets of this process.")
        connected.add_metric((), len(self._bus.clients))
        drops = CounterMetricFamily(
            "careroom_socket_drops", "Messages dropped and sockets refused or closed.", labels=("reason",)
        )
        for reason, count in sorted(self._bus.drops.items()):
            drops.add_metric((reason,), count)
        yield connected
        yield drops


def _begin() -> None:
    g.begun = time.perf_counter()


def _count(response: Response) -> Response:
    # An endpoint is a name of ours; a path holds ids, and a stranger chooses it.
    endpoint = request.endpoint or "unknown"
    method = request.method if request.method in _METHODS else "other"
    metrics.REQUESTS.labels(endpoint, method, str(response.status_code)).inc()
    if (begun := g.get("begun")) is not None:
        metrics.REQUEST_SECONDS.labels(endpoint, method).observe(time.perf_counter() - begun)
    return response

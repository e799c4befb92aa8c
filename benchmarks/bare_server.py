"""An application of six lines on eventlet's server, with nothing of Careroom: the floor of bench_request's hello."""

import sys
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import eventlet
    import eventlet.wsgi

eventlet.monkey_patch()

from flask import Flask  # noqa: E402 - after the replacement of what blocks

app = Flask("bare")


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "up"}


if __name__ == "__main__":
    listener = eventlet.listen(("127.0.0.1", int(sys.argv[1])))
    eventlet.wsgi.server(listener, app, log_output=False)

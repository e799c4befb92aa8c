"""With CAREROOM_TEST_STRICT=1 (continuous integration) a test that is skipped has failed.

On a developer's machine a test may do without PostgreSQL or a browser. Where everything was installed for it, a skip
means that nobody looks any more. Loaded by tests/conftest.py.
"""

import os
from collections.abc import Generator

import pytest

STRICT = os.environ.get("CAREROOM_TEST_STRICT") == "1"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip inside a test, a fixture or a mark."""
    report = yield
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and here nothing may be: {_reason(call.excinfo)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole module skipped while it is collected (`importorskip`)."""
    report = yield
    if STRICT and report.skipped:
        report.outcome = "failed"
        report.longrepr = (
            f"{collector.nodeid} was skipped as a whole, and here nothing may be: {report.longrepr}"
        )
    return report


def _reason(excinfo: pytest.ExceptionInfo[BaseException] | None) -> str:
    return str(excinfo.value) if excinfo else "no reason given"

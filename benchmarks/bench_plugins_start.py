"""Starting with 50 installed plugins beside 7: imports, checks, order, translations, routes, the whole application.

The plugins are packages as third parties make them, found by their entry points: a manifest with settings and
permissions, hooks, a page, a template, a model and two translations.
"""

import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from benchmarks.measure import Row, in_child, side_by_side

MANY: Final = 50
FEW: Final = 7
GOAL: Final = 2.0
_MESSAGES: Final = 60

_MANIFEST: Final = """
from pydantic import BaseModel, Field

from core.sdk import Capability, Permission, Plugin, StaffRoutes, TenantModel, _l, render
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from {name} import hooks


class Settings(BaseModel):
    days: int = Field(7, ge=1, le=30, title=_l("Days"))
    greeting: str = Field("", max_length=200, title=_l("Greeting"))


class Note(TenantModel):
    __tablename__ = "{name}_note"
    text: Mapped[str] = mapped_column(String(400), default="")


routes = StaffRoutes("{name}", __name__)


@routes.get("/notes", permission="{name}.view")
def notes() -> str:
    return render("{name}/notes.html")


plugin = Plugin(
    name="{name}", title=_l("Plugin {number}"), version="1.0.0", api=">=1,<2", package=__name__,
    summary=_l("One of many"), capabilities=(Capability.READS_PATIENTS,), settings=Settings,
    uses={uses}, priority={priority}, locales=("en", "fr"),
    permissions=(Permission("{name}.view", _l("See notes"), roles=("clinician",)),),
    routes=(routes,), hooks=hooks,
)
"""

_HOOKS: Final = """
from core.sdk import Action, NavItem, Panel, PatientContext, StaffContext, TimelineEntry, _l, hookimpl


@hookimpl
def patient_panels(ctx: PatientContext) -> list[Panel]:
    return [Panel("patient.main", "notes", _l("Notes"), lambda ctx: "", "{name}.view")]


@hookimpl
def patient_actions(ctx: PatientContext) -> list[Action]:
    return []


@hookimpl
def today_panels(ctx: StaffContext) -> list[Panel]:
    return []


@hookimpl
def navigation(ctx: StaffContext) -> list[NavItem]:
    return []


@hookimpl
def timeline_entries(ctx: PatientContext) -> list[TimelineEntry]:
    return []
"""


def install(folder: Path, plugins: int) -> None:
    """Write so many packages into a folder, as pip would leave them."""
    for number in range(plugins):
        name = f"bench_{number:02}"
        package = folder / name
        (package / "templates" / name).mkdir(parents=True)
        uses = (f"bench_{number - 1:02}",) if number % 5 else ()
        manifest = _MANIFEST.format(name=name, number=number, uses=uses, priority=100 - number % 3)
        (package / "__init__.py").write_text(manifest)
        (package / "hooks.py").write_text(_HOOKS.format(name=name))
        (package / "templates" / name / "notes.html").write_text("<p>{{ _('Notes') }}</p>\n")
        for language in ("en", "fr"):
            messages = package / "translations" / language / "LC_MESSAGES"
            messages.mkdir(parents=True)
            catalogue = Catalog(locale=language)
            for each in range(_MESSAGES):
                catalogue.add(f"Message {each} of {name}", f"{language} {each} {name}")
            with (messages / "messages.mo").open("wb") as file:
                write_mo(file, catalogue)
        info = folder / f"{name}-1.0.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
        (info / "entry_points.txt").write_text(f"[careroom.plugins]\n{name} = {name}:plugin\n")


def start(folder: str, plugins: int) -> float:
    """Processor milliseconds from an interpreter that has imported nothing to an application that can answer."""
    sys.path.insert(0, folder)
    began = time.process_time()
    from core import plugin_system
    from core.app import create_app
    from tests.support.databases import settings_for

    create_app(settings_for("sqlite://", Path(folder), async_mode="threading", rate_limits=False))
    spent = time.process_time() - began
    found = [plugin.name for plugin in plugin_system.registry if plugin.name.startswith("bench_")]
    if len(found) != plugins or plugin_system.registry.faults:
        raise RuntimeError(f"{len(found)} of {plugins} plugins came in: {plugin_system.registry.faults}")
    return spent * 1000


def rows() -> Iterable[Row]:
    with tempfile.TemporaryDirectory() as many, tempfile.TemporaryDirectory() as few:
        # Careroom's own plugins are installed besides; both sides have them.
        install(Path(many), MANY)
        install(Path(few), FEW)
        for folder, plugins in ((many, MANY), (few, FEW)):
            in_child(start, folder, plugins)  # writes the compiled modules
        ours, peer = side_by_side(lambda: in_child(start, many, MANY), lambda: in_child(start, few, FEW))
    yield Row(f"start with {MANY} plugins", ours, f"start with {FEW}", peer, "ms", GOAL)

"""What stands for a template's variables while somebody rewords it: invented, and as long as the real ones."""

from __future__ import annotations

from core import tenancy
from core.i18n import use_language
from core.notifications.templates import Template


def sample_values(template: Template, language: str, *, link: str) -> dict[str, str]:
    """A value for every variable of the template, in a language. link: an address that opens nothing.

    What its owner gave no sample for is shown by what it is called: "[Name of the clinician]".
    """
    known = {"practice": tenancy.current().name, "link": link}
    with use_language(language):
        return {
            name: known.get(name) or str(template.samples.get(name) or f"[{title}]")
            for name, title in template.variables.items()
        }

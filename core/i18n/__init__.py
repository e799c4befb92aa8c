"""Languages: what a person reads, in their words, their formats and their time zone.

Works wherever Python runs (web, worker, command line): who reads is held in context variables, never in a
request. English message ids are the source; `translations/` and each plugin's own `translations/` hold the rest.

    _("Hello %(name)s", name=patient.display_name)      now, in the current language
    _l("Photo requests")                                at use: for module level, manifests, form labels
    with use_language("fr-FR"), use_time_zone("Europe/Paris"): ...
"""

from core.i18n.catalogues import CatalogueError, add_catalogue
from core.i18n.formats import (
    country_name,
    format_date,
    format_datetime,
    format_number,
    format_phone,
    format_relative,
    format_time,
    language_name,
    local,
)
from core.i18n.jinja import install_jinja
from core.i18n.languages import LANGUAGES, PSEUDO_LANGUAGES, is_known, offered_languages, whole_tag
from core.i18n.lazy import LazyString, _l
from core.i18n.messages import N_, _, gettext, ngettext, npgettext, pgettext
from core.i18n.negotiation import best_language
from core.i18n.reader import (
    UnknownTimeZone,
    babel_locale,
    direction,
    language,
    locale_tag,
    set_language,
    set_time_zone,
    time_zone,
    use_language,
    use_time_zone,
)

__all__ = [
    "LANGUAGES",
    "N_",
    "PSEUDO_LANGUAGES",
    "CatalogueError",
    "LazyString",
    "UnknownTimeZone",
    "_",
    "_l",
    "add_catalogue",
    "babel_locale",
    "best_language",
    "country_name",
    "direction",
    "format_date",
    "format_datetime",
    "format_number",
    "format_phone",
    "format_relative",
    "format_time",
    "gettext",
    "install_jinja",
    "is_known",
    "language",
    "language_name",
    "local",
    "locale_tag",
    "ngettext",
    "npgettext",
    "offered_languages",
    "pgettext",
    "set_language",
    "set_time_zone",
    "time_zone",
    "use_language",
    "use_time_zone",
    "whole_tag",
]

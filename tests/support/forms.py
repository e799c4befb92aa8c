"""The forms of a page, as a browser without JavaScript would send them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

TYPED = frozenset(
    {"text", "textarea", "email", "tel", "password", "number", "search", "date", "time", "url", "color"}
)
_NOT_SENT = frozenset({"submit", "button", "image", "reset"})


@dataclass
class Control:
    """Something in a form that has a name. kind: an input's type, "textarea" or "select"; is_on: is it ticked?
    most: how many characters a browser lets people type.
    """

    name: str
    kind: str
    value: str = ""
    is_on: bool = True
    most: int | None = None
    options: list[str] = field(default_factory=list)

    @property
    def is_for_people(self) -> bool:
        """May somebody type or choose here?"""
        return self.kind != "hidden"


@dataclass
class Form:
    """A form of a page. action: where it is sent; "" is the page itself."""

    action: str
    method: str
    controls: list[Control] = field(default_factory=list)
    buttons: list[Control] = field(default_factory=list)
    id: str = ""

    @property
    def edits(self) -> bool:
        """Is there anything to type or choose, and not only something to press?"""
        return self.method == "post" and any(one.is_for_people for one in self.controls)

    @property
    def takes_files(self) -> bool:
        return any(one.kind == "file" for one in self.controls)

    def of(self, *kinds: str) -> list[Control]:
        """The controls of these kinds."""
        return [one for one in self.controls if one.kind in kinds]

    def value(self, name: str) -> str | None:
        """What a hidden field holds."""
        return next((one.value for one in self.controls if one.name == name), None)

    def data(self, **changed: Any) -> dict[str, list[Any]]:
        """What would be sent, by name, with some of it changed."""
        sent: dict[str, list[Any]] = {}
        for one in self.controls:
            if one.is_on and one.kind != "file":
                sent.setdefault(one.name, []).append(one.value)
        for name, value in changed.items():
            sent[name] = list(value) if isinstance(value, list | tuple) else [value]
        return sent


def forms_of(page: str) -> list[Form]:
    """All forms of a page, in their order."""
    reader = _Reader()
    reader.feed(page)
    for owner, control in reader.elsewhere:
        for form in reader.forms:
            if form.id == owner:
                form.controls.append(control)
    return reader.forms


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.elsewhere: list[tuple[str, Control]] = []
        self._form: Form | None = None
        self._select: Control | None = None
        self._area: Control | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(
                said.get("action", ""), said.get("method", "get").lower(), id=said.get("id", "")
            )
            self.forms.append(self._form)
        elif tag in ("input", "select", "textarea", "button") and "name" in said and "disabled" not in said:
            self._control(tag, said)
        elif tag == "option" and self._select is not None:
            value = said.get("value", "")
            if not self._select.options or "selected" in said:
                self._select.value = value
            self._select.options.append(value)

    def _control(self, tag: str, said: dict[str, str]) -> None:
        kind = said.get("type", "text" if tag == "input" else "submit") if tag in ("input", "button") else tag
        made = Control(said["name"], kind, said.get("value", "on" if kind in ("checkbox", "radio") else ""))
        made.most = int(said["maxlength"]) if said.get("maxlength", "").isdecimal() else None
        if kind in ("checkbox", "radio"):
            made.is_on = "checked" in said
        if tag == "select":
            self._select = made
        if tag == "textarea":
            self._area = made
        if "form" in said and kind not in _NOT_SENT:
            self.elsewhere.append((said["form"], made))
        elif self._form is not None:
            (self._form.buttons if kind in _NOT_SENT else self._form.controls).append(made)

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.value += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._area is not None:
            self._area.value = self._area.value.removeprefix("\n")
            self._area = None

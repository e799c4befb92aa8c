"""How a practice looks: its colour, made readable in light and dark, and its logo."""

from core.branding import logo
from core.branding.colours import Palette, contrast, is_colour, palette

__all__ = ["Palette", "contrast", "is_colour", "logo", "palette"]

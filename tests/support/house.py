"""The house to test in is what plugin authors have too: see core.testing."""

from core.testing.house import House, Phone, Visitor, make, open_link

__all__ = ["House", "Phone", "Visitor", "make", "open_link"]

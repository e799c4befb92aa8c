"""Attacks on the line between practices, on both databases: as a bug in the product, or somebody inside, would try."""

"""The administration of a practice: what its admin decides, on pages of our own."""

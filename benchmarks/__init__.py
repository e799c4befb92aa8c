"""Measured side by side with a peer or a floor: `make bench`."""

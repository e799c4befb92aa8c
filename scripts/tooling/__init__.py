"""What `make` runs and the product does not: set-up, translations, checks."""

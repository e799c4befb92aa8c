"""First-party plugins. Each is shaped like a third party's and imports only ``core.sdk``."""

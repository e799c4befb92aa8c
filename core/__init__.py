"""The platform. It knows no plugin: plugins reach it through :mod:`core.sdk`."""

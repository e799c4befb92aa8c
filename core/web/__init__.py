"""The web room: routes and the gate in front of them, page shells, panels, the core's own pages."""

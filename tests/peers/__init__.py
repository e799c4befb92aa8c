"""Stand-ins for what Careroom talks to: they speak the real protocol over a real socket, and misbehave on request."""

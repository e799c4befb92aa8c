"""Tools for those who write plugins: make one (`careroom plugin new`) and look it over (`careroom plugin check`)."""

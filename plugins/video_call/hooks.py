"""What this plugin adds to pages, and what it hears. Thin: the work is in the modules that it hands over to."""

"""Training of both phases: configurations, losses, loops, checkpoints. Knows no tracker, search or page."""

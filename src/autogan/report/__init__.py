"""From a run's folder to one HTML page."""

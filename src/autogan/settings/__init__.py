"""Settings: sections with every default, presets, protocols, and what may change when a run goes on."""

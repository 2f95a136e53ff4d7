"""Files that are whole or absent, state without pickle, YAML of plain values, pictures."""

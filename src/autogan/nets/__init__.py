"""Layers, normalisations and optimisers that several search spaces share."""

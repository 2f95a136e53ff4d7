"""A run is a folder: what lies in it, how it is kept, stopped, gone on with, and read."""

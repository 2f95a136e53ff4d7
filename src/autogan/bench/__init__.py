"""How fast the hot steps are: the fast path against the plain one, in one process.

Imports only torch and this package's networks, so it runs from a source checkout with nothing else
installed: `PYTHONPATH=src python -m autogan.bench`.
"""

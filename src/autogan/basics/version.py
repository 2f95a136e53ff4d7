"""The versions of the installed package and of what it writes. Imports nothing that takes time."""

RESULTS_SCHEMA = 1
"""Of results.json (docs/run-folder.md); raised when a field changes its meaning or goes away."""


def package_version() -> str:
    """The installed version of autogan-nas, or "source" where it runs uninstalled."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("autogan-nas")
    except PackageNotFoundError:
        return "source"

"""Where images come from: glyphs, CIFAR-10, STL-10, folders, archives: each a DataSet.

Names are imported when first used, so that `autogan.images.pixels` needs torch alone.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autogan.images.cache import default_cache_directory
    from autogan.images.dataset import DataSet, ImageSet
    from autogan.images.load import load_data
    from autogan.images.sources import SOURCES

_HOME = {
    "default_cache_directory": "cache",
    "DataSet": "dataset",
    "ImageSet": "dataset",
    "SOURCES": "sources",
    "load_data": "load",
}

__all__ = ["SOURCES", "DataSet", "ImageSet", "default_cache_directory", "load_data"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"autogan.images.{_HOME[name]}"), name)

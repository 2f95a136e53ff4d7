"""Where images come from: glyphs, CIFAR-10, STL-10, folders, archives: each a DataSet."""

from autogan.images.cache import default_cache_directory
from autogan.images.dataset import DataSet, ImageSet
from autogan.images.load import SOURCES, load_data

__all__ = ["SOURCES", "DataSet", "ImageSet", "default_cache_directory", "load_data"]

"""AutoGAN: neural architecture search for generative adversarial networks (Gong et al., ICCV 2019).

Names are imported when first used, so that `import autogan` needs no torch and takes no time: not
even `typing` is imported.
"""

TYPE_CHECKING = False  # type checkers take it for true
if TYPE_CHECKING:
    from autogan.api import (
        sample_images,
        search_and_train,
        search_architectures,
        train_architecture,
    )
    from autogan.basics.errors import UserError
    from autogan.settings.loading import load_settings
    from autogan.settings.sections import Settings
    from autogan.spaces import search_space
    from autogan.spaces.architecture import Architecture
    from autogan.spaces.generator_file import load_generator
    from autogan.spaces.networks import Generator
    from autogan.spaces.space import SearchSpace
    from autogan.trials.table import Table

_HOME = {
    "Architecture": "spaces.architecture",
    "Generator": "spaces.networks",
    "SearchSpace": "spaces.space",
    "Settings": "settings.sections",
    "Table": "trials.table",
    "UserError": "basics.errors",
    "load_generator": "spaces.generator_file",
    "load_settings": "settings.loading",
    "sample_images": "api",
    "search_and_train": "api",
    "search_architectures": "api",
    "search_space": "spaces",
    "train_architecture": "api",
}

__all__ = [
    "Architecture",
    "Generator",
    "SearchSpace",
    "Settings",
    "Table",
    "UserError",
    "load_generator",
    "load_settings",
    "sample_images",
    "search_and_train",
    "search_architectures",
    "search_space",
    "train_architecture",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'autogan' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"autogan.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

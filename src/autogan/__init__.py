"""AutoGAN: neural architecture search for generative adversarial networks (Gong et al., ICCV 2019).

Names are imported when first used, so that `import autogan` needs no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autogan.config import Settings, load_settings
    from autogan.errors import UserError
    from autogan.library import search_and_train, search_architectures, train_architecture
    from autogan.nets.generator import Generator
    from autogan.space import Architecture, SearchSpace
    from autogan.weights import load_generator

_HOME = {
    "Architecture": "space",
    "Generator": "nets.generator",
    "SearchSpace": "space",
    "Settings": "config",
    "UserError": "errors",
    "load_generator": "weights",
    "load_settings": "config",
    "search_and_train": "library",
    "search_architectures": "library",
    "train_architecture": "library",
}

__all__ = [
    "Architecture",
    "Generator",
    "SearchSpace",
    "Settings",
    "UserError",
    "load_generator",
    "load_settings",
    "search_and_train",
    "search_architectures",
    "train_architecture",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'autogan' has no attribute {name!r}")
    return getattr(importlib.import_module(f"autogan.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

"""The judge's recipe: its checks, and that it needs no torch."""

import subprocess
import sys

import pytest

import autogan.judges
from autogan.basics.errors import UserError
from autogan.settings.judge import JudgeRecipe


def test_importing_the_recipe_imports_no_torch() -> None:
    code = "import sys, autogan.settings.judge; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_exported_name_is_there_and_others_are_not() -> None:
    for name in autogan.judges.__all__:
        assert getattr(autogan.judges, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing"):
        _ = autogan.judges.nothing


def test_a_recipe_survives_a_dictionary() -> None:
    recipe = JudgeRecipe(width=16, learning_rate=0.1, flip=False)
    assert JudgeRecipe(**recipe.to_dict()) == recipe
    assert recipe != JudgeRecipe()


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("image_size", 33),
        ("width", 12),
        ("width", 40),
        ("epochs", 0),
        ("batch_size", 1),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("warmup_share", 1.0),
        ("weight_decay", -1e-9),
        ("label_smoothing", 0.6),
        ("shift", -1),
        ("low_resolution_share", 1.0),
    ],
)
def test_bad_values_are_refused_by_name_and_value(field: str, bad: float) -> None:
    with pytest.raises(UserError, match=rf"judge\.{field} is {bad}; allowed: ") as refusal:
        JudgeRecipe(**{field: bad})  # type: ignore[arg-type]
    assert len(str(refusal.value)) < 120

"""The judge's section: its checks, what a cached judge says of it, and that it needs no torch."""

import json
import subprocess
import sys

import pytest

import autogan.judges
from autogan.basics.errors import UserError
from autogan.judges.storage import digest_of
from autogan.settings.judge import JudgeSettings
from autogan.settings.loading import load_settings


def test_importing_the_section_imports_no_torch() -> None:
    code = "import sys, autogan.settings.judge; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_exported_name_is_there_and_others_are_not() -> None:
    for name in autogan.judges.__all__:
        assert getattr(autogan.judges, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing"):
        _ = autogan.judges.nothing


def test_the_settings_survive_a_dictionary() -> None:
    settings = JudgeSettings(width=16, learning_rate=0.1, flip=False)
    assert JudgeSettings(**settings.to_dict()) == settings
    assert settings != JudgeSettings()
    elsewhere = JudgeSettings(kind="inception", inception_weights="w.pth")
    assert elsewhere.to_dict() == JudgeSettings().to_dict()


def test_cached_judges_of_version_0_1_0_are_found_again() -> None:
    """Byte for byte what that version wrote: else every judge would be trained again."""
    plain = JudgeSettings().to_dict()
    assert json.dumps(plain, sort_keys=True) == (
        '{"batch_size": 128, "epochs": 6, "flip": true, "image_size": 32, "label_smoothing": 0.0, '
        '"learning_rate": 0.2, "low_resolution_share": 0.25, "shift": 2, "warmup_share": 0.2, '
        '"weight_decay": 0.0005, "width": 32}'
    )
    key = digest_of(["0" * 64, ["a", "b"], plain, 0, 2])
    assert key == "38e27f0e350c5b8656ed48fe4942139203279339cc6b9d17b10a3bb0cfe4a30b"
    demo = load_settings("demo", overrides=["judge.learning_rate=1"]).judge
    assert '"learning_rate": 1.0' in json.dumps(demo.to_dict())


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("image_size", 33),
        ("width", 12),
        ("width", 40),
        ("epochs", 0),
        ("epochs", 1001),
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
    with pytest.raises(UserError, match=rf"Setting judge\.{field} cannot be {bad}: ") as refusal:
        load_settings(changes={"judge": {field: bad}})
    assert len(str(refusal.value)) < 120


def test_the_words_that_are_allowed_are_listed() -> None:
    for field, bad, allowed in (
        ("kind", "inceptoin", "domain, inception"),
        ("image_size", 33, "16, 32, 64, 128"),
    ):
        with pytest.raises(UserError, match=rf"judge\.{field} cannot be .*: allowed: {allowed}\.$"):
            load_settings(changes={"judge": {field: bad}})

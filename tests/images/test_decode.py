"""One image file to square RGB pixels: formats, modes, shapes, and what is said about them."""

import io
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from autogan.images import decode as decoding
from autogan.images.decode import File, decode, decode_all

RED, GREEN = (255, 0, 0), (0, 255, 0)


def packed(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM", "TGA"])
def test_image_of_the_right_size_is_exact(form: str) -> None:
    pixels = noise(16, 16, 3)
    got, kinds, _ = decode(packed(Image.fromarray(pixels), form), 16)
    assert np.array_equal(got, pixels)
    assert kinds == set()


def test_jpeg_of_the_right_size_is_what_pillow_decodes() -> None:
    content = packed(Image.fromarray(noise(32, 32, 3)), "JPEG", quality=75)
    got, _, _ = decode(content, 32)
    assert np.array_equal(got, np.asarray(Image.open(io.BytesIO(content))))


def test_grey_becomes_rgb() -> None:
    pixels = noise(8, 8)
    got, kinds, _ = decode(packed(Image.fromarray(pixels)), 8)
    assert np.array_equal(got, np.stack([pixels] * 3, axis=-1))
    assert kinds == {"grey"}


def test_palette_becomes_rgb() -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, *RED])
    got, kinds, _ = decode(packed(image), 8)
    assert (got == RED).all()
    assert kinds == {"palette"}


def test_transparent_lies_on_white() -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    image.paste((*RED, 255), (0, 0, 8, 4))
    got, kinds, _ = decode(packed(image), 8)
    assert (got[:4] == RED).all() and (got[4:] == 255).all()
    assert kinds == {"transparent"}


def test_palette_with_a_transparent_colour_lies_on_white() -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, *RED])
    image.putpixel((0, 0), 0)
    got, kinds, _ = decode(packed(image, transparency=0), 8)
    assert (got[0, 0] == 255).all() and (got[1, 1] == RED).all()
    assert kinds == {"palette", "transparent"}


def test_16_bit_grey_with_a_transparent_value_lies_on_white() -> None:
    values = np.full((8, 8), 30_001, np.uint16)  # as one of 8 bits, the same as the transparent one
    values[:4] = 30_000
    got, kinds, _ = decode(packed(Image.fromarray(values), transparency=30_000), 8)
    assert (got[:4] == 255).all() and (got[4:] == 117).all()
    assert kinds == {"deep", "transparent"}
    got, kinds, _ = decode(packed(Image.fromarray(values), transparency=1), 8)
    assert (got == 117).all() and kinds == {"deep"}


def test_opaque_alpha_changes_nothing() -> None:
    pixels = noise(8, 8, 4)
    pixels[..., 3] = 255
    got, kinds, _ = decode(packed(Image.fromarray(pixels)), 8)
    assert np.array_equal(got, pixels[..., :3])
    assert kinds == set()


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM"])
def test_16_bit_is_scaled_not_clipped(form: str) -> None:
    values = np.linspace(0, 65535, 64).reshape(8, 8)
    got, kinds, _ = decode(packed(Image.fromarray(values.astype(np.uint16)), form), 8)
    assert np.abs(got[..., 0] - values / 257).max() <= 0.51
    assert kinds == {"deep"}


def test_packed_12_bit_tiffs_are_scaled_by_their_own_range() -> None:
    values = np.linspace(0, 4095, 64).astype(int).reshape(8, 8)
    bits = "".join(f"{value:012b}" for value in values.flat)
    pixels = int(bits, 2).to_bytes(96, "big")
    numbers = {256: 8, 257: 8, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 96}
    tags = b"".join(struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in numbers.items())
    head = b"II*\0" + struct.pack("<I", 8 + len(pixels))
    file = head + pixels + struct.pack("<H", len(numbers)) + tags + bytes(4)
    got, kinds, _ = decode(file, 8)
    assert np.abs(got[..., 0] - values * 255 / 4095).max() <= 0.51
    assert kinds == {"deep"}


@pytest.mark.parametrize("most", [255, 65535, 2**31 - 1])
def test_32_bit_pixels_are_refused(most: int) -> None:
    values = np.linspace(0, most, 64).astype(np.int32).reshape(8, 8)
    with pytest.raises(ValueError, match="32-bit pixels have no known range"):
        decode(packed(Image.fromarray(values), "TIFF"), 8)


def test_cmyk_becomes_rgb() -> None:
    got, kinds, _ = decode(packed(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "TIFF"), 8)
    assert (got == RED).all()
    assert kinds == {"CMYK"}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, (0, 0)), (2, (0, 7)), (3, (7, 7)), (4, (7, 0)),
                                (5, (0, 0)), (6, (0, 7)), (7, (7, 7)), (8, (7, 0))]
)  # fmt: skip
def test_exif_orientation_is_applied_once(
    form: str, orientation: int, corner: tuple[int, int]
) -> None:
    """The top left of the stored image is where the EXIF standard says it is shown."""
    image = Image.new("RGB", (8, 8), "black")
    image.paste("white", (0, 0, 4, 4))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if form == "JPEG" else {}
    got, _, _ = decode(packed(image, form, exif=exif, **options), 8)
    bright = {place for place in ((0, 0), (0, 7), (7, 0), (7, 7)) if got[place].mean() > 128}
    assert bright == {corner}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("exif", [b"Exif\0\0MM\0\x99\0\0\0\x08", b"Exif\0\0MM\0*\0\0"])
def test_an_image_with_damaged_exif_data_stays_as_it_is(form: str, exif: bytes) -> None:
    got, kinds, _ = decode(packed(Image.new("RGB", (8, 8), RED), form, exif=exif), 8)
    assert np.abs(got.astype(int) - RED).max() < 8 and kinds == set()


def test_odd_shapes_are_cropped_to_the_centre() -> None:
    image = Image.new("RGB", (33, 11), RED)
    image.paste(GREEN, (11, 0, 22, 11))
    got, kinds, _ = decode(packed(image), 11)
    assert (got == GREEN).all()
    assert kinds == {"cropped"}


def test_shrinking_is_antialiased() -> None:
    checks = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    got, kinds, _ = decode(packed(Image.fromarray(np.stack([checks] * 3, -1))), 16)
    assert np.abs(got.astype(int) - 127).max() <= 3  # taking single pixels would give 0 or 255
    assert kinds == {"shrunk"}


def test_large_jpeg_keeps_its_picture() -> None:
    ramp = np.linspace(0, 255, 1000).astype(np.uint8)
    image = Image.fromarray(np.broadcast_to(ramp[None, :, None], (1000, 1000, 3)).copy())
    got, kinds, _ = decode(packed(image, "JPEG", quality=95), 16)
    assert np.abs(got[8, :, 0] - (np.arange(16) + 0.5) / 16 * 255).max() < 4
    assert kinds == {"shrunk"}


def test_small_images_are_enlarged_and_that_is_said() -> None:
    got, kinds, _ = decode(packed(Image.new("RGB", (5, 7), RED)), 8)
    assert got.shape == (8, 8, 3) and (got == RED).all()
    assert kinds == {"cropped", "enlarged"}


@pytest.mark.parametrize(
    ("form", "kind"),
    [("GIF", "animated"), ("WEBP", "animated"), ("PNG", "animated"),
     ("AVIF", "animated"), ("TIFF", "pages"), ("MPO", None)],
)  # fmt: skip
def test_the_first_of_several_pictures_is_taken_and_it_is_said(form: str, kind: str | None) -> None:
    if form in ("AVIF", "WEBP") and not features.check(form.lower()):
        pytest.skip(f"Pillow without {form}")
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN)]
    content = packed(frames[0], form, save_all=True, append_images=frames[1:])
    got, kinds, _ = decode(content, 8)
    assert np.abs(got.astype(int) - RED).max() < 8
    assert (kinds & {"animated", "pages"}) == ({kind} if kind else set())
    single, kinds, _ = decode(packed(frames[0], form), 8)
    assert np.abs(single.astype(int) - RED).max() < 8 and not kinds & {"animated", "pages"}


def test_the_size_is_that_of_the_file() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for form in ("JPEG", "PNG"):
        content = packed(Image.new("RGB", (320, 160)), form, exif=exif)
        assert decode(content, 8)[2] == (320, 160)


def test_float_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="floating-point"):
        decode(packed(Image.new("F", (8, 8), 0.5), "TIFF"), 8)


def test_notes_count_kinds_and_handle_one_and_many() -> None:
    grey, colour = packed(Image.new("L", (8, 8))), packed(Image.new("RGBA", (8, 8)))
    target = np.empty((1201, 3, 8, 8), np.uint8)
    files = [File(f"{i}.png", grey if i else colour, target[i]) for i in range(1201)]
    decoded = decode_all(files, 8)
    assert decoded.broken == ()
    assert decoded.notes == (
        "1,200 grey images became RGB",
        "1 transparent image was laid on white",
    )
    assert (target[0] == 255).all() and (target[1:] == 0).all()


def test_all_broken_files_are_counted_and_five_named() -> None:
    good = packed(Image.fromarray(noise(8, 8, 3)))
    target = np.empty((3, 8, 8), np.uint8)
    broken = [File(f"bad{i}.png", content, target) for i, content in enumerate(
        [b"", b"text", good[:60], good[:-30], b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM"])]  # fmt: skip
    decoded = decode_all([*broken, File("good.png", good, target)], 8)
    assert [name for name, _ in decoded.broken] == [f"bad{i}.png" for i in range(7)]
    message = str(decoding.broken_files(decoded.broken, 8, "cats"))
    assert message.startswith("7 of 8 images in cats cannot be read")
    assert [f"bad{i}.png" in message for i in range(7)] == [True] * 5 + [False] * 2
    assert "and 2 more" in message and "good.png" not in message
    skipped = decoding.skipped_files(decoded.broken)
    assert skipped.startswith("7 files that cannot be read were left out (bad0.png: ")
    assert skipped.endswith(" and 2 more)")
    assert decoding.skipped_files(decoded.broken[:1]).startswith(
        "1 file that cannot be read was left"
    )


@pytest.mark.parametrize("allowed", [50, 30])  # Pillow only warns up to twice its limit
def test_decompression_bomb_is_named(monkeypatch: pytest.MonkeyPatch, allowed: int) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", allowed)
    file = File("bomb.png", packed(Image.new("RGB", (8, 8))), np.empty((3, 8, 8), np.uint8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ((name, reason),) = decode_all([file], 8).broken
    assert name == "bomb.png" and "pixels" in reason


def test_unreadable_path_is_named(tmp_path: Path) -> None:
    file = File("gone.png", tmp_path / "gone.png", np.empty((3, 8, 8), np.uint8))
    ((name, reason),) = decode_all([file], 8).broken
    assert name == "gone.png" and reason == "No such file or directory"


def test_no_reader_that_starts_other_programs() -> None:
    suffixes = decoding.image_suffixes()
    assert {".jpg", ".jpeg", ".png", ".webp", ".tif", ".bmp", ".gif"} <= suffixes
    assert not {".eps", ".ps", ".pdf", ".wmf"} & suffixes

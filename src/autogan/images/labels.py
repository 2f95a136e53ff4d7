"""labels.csv beside loose images: the class of each, or none.

    file,label
    0001.jpg,pear
    0002.jpg,

An empty label means that the image is unlabelled. Without torch.
"""

import csv
import io
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from autogan.basics.errors import UserError
from autogan.files.texts import read_bytes
from autogan.images.classes import LONGEST_NAME
from autogan.images.decode import Damage

LABELS_FILE = "labels.csv"
MOST_BYTES = 2**28
_HEADER = ["file", "label"]

Labels = dict[str, str | None]
"""The relative name of an image → its class; None: it is unlabelled."""


def labels_file(images: Collection[str], others: Collection[str]) -> str | None:
    """The name of the labels.csv that lies beside the images; None where there is none.

    images, others: relative names, with `/`, of the images and of what is no image.
    """
    folders = {PurePosixPath(name).parent for name in images}
    tables = [PurePosixPath(name) for name in others if PurePosixPath(name).name == LABELS_FILE]
    beside = [table for table in tables if table.parent in folders]
    return str(beside[0]) if len(beside) == 1 and len(folders) == 1 else None


def parse_labels(content: bytes | Path | Damage, table: str, images: Collection[str]) -> Labels:
    """The label of every image that lies beside the table.

    table: its relative name. images: the relative names of all images.

    Raises `UserError` that names the line: another header, a line that is no pair, a file that is not
    there or stands twice; images that no line names; fewer than two classes.
    """
    if isinstance(content, Damage):
        raise UserError(f"{table} cannot be read: {content.reason}.")
    data = read_bytes(content, MOST_BYTES) if isinstance(content, Path) else content
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{table} is not UTF-8 ({error}). Save it as UTF-8.") from None
    beside = PurePosixPath(table).parent
    known = set(images)
    # A Mac writes "é" in another Unicode form than most programs that make tables.
    of_form = {unicodedata.normalize("NFC", name): name for name in images}
    labels: Labels = {}
    for line, (file, label) in _pairs(text, table):
        name = str(beside / file)
        if name not in known:
            name = of_form.get(unicodedata.normalize("NFC", name), "")
        if not name:
            raise UserError(f"{table}, line {line}: there is no image {file!r} beside it.")
        if name in labels:
            raise UserError(f"{table}, line {line}: {file!r} stands there twice.")
        if len(label) > LONGEST_NAME:
            raise UserError(
                f"{table}, line {line}: the label has {len(label):,} characters, more than "
                f"{LONGEST_NAME:,}."
            )
        labels[name] = label or None
    missing = sorted(known - labels.keys())
    if missing:
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise UserError(
            f"{table} has no line for {missing[0]!r}{more}. Give it one; where there is no label, leave "
            "the part after the comma empty."
        )
    classes = set(labels.values()) - {None}
    if len(classes) == 1:
        raise UserError(
            f"{table} names one class only ({classes.pop()!r}), which tells nothing apart. Name two or "
            f"more, or rename {LABELS_FILE} to use the images without classes."
        )
    return labels


def _pairs(text: str, table: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """The lines after the header with their numbers, blanks around both parts left out.

    Labels that differ only in their Unicode form are one.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begun = 1  # the line that a row begins with: parts in quotation marks may hold line breaks
    try:
        header = next(reader, [])
        if [part.strip() for part in header] != _HEADER:
            raise UserError(
                f"{table}, line 1: the header must be {','.join(_HEADER)!r}, not "
                f"{','.join(header)[:100]!r}. A file that has nothing to do with labels needs another "
                "name."
            )
        begun = reader.line_num + 1
        for row in reader:
            begun = reader.line_num + 1
            if not row:
                continue
            if len(row) != len(_HEADER):
                raise UserError(
                    f"{table}, line {reader.line_num}: it has {len(row)} parts and not two (file,label). "
                    'A part that holds a comma stands in quotation marks: "a, b".'
                )
            file, label = (part.strip() for part in row)
            yield reader.line_num, (file, unicodedata.normalize("NFC", label))
    except csv.Error as error:
        raise UserError(f"{table}, line {begun}: it is no CSV ({error}).") from None

"""Images inside a tar or zip archive, read in memory: nothing is ever extracted to disk."""

import bz2
import gzip
import hashlib
import io
import itertools
import lzma
import posixpath
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autogan.basics.errors import UserError
from autogan.images.decode import Damage

SUFFIXES = (".tar.xz", ".tar.gz", ".tar.bz2", ".tar", ".tgz", ".txz", ".zip")
MOST_MEMBERS = 2_000_000
MOST_BYTES = 64 * 2**30  # of all members together, uncompressed
MOST_MEMBER_BYTES = 2**28  # of one: it is held in memory
MOST_NAME_CHARACTERS = 1000
_KEPT_BYTES = 2**28  # an archive up to this size is unpacked once; a larger one twice
# tarfile takes many small steps, some of them back; a large buffer makes both cheap.
_BUFFER_BYTES = 2**20
_UNPACKED_BY_PYTHON = (
    zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA,
)  # fmt: skip
_ENCRYPTED, _UTF_8 = 0x1, 0x800  # bits of a member's flags
_LEAST_ZIP_HEADER_BYTES = 30  # before a member's bytes; its name comes on top
# What the unpackers raise for damage. RuntimeError: members that zipfile takes for encrypted.
_DAMAGED = (
    tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, struct.error, EOFError, OSError,
    ValueError, NotImplementedError, RuntimeError,
)  # fmt: skip
_COMPRESSIONS: dict[bytes, Callable[[Path], Any]] = {
    b"\xfd7zXZ\0": lzma.open,
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
}


def is_archive(path: Path) -> bool:
    """Whether the file's ending is one of `SUFFIXES`."""
    return path.name.lower().endswith(SUFFIXES)


def open_archive(path: Path, limit_factor: float = 1.0) -> "TarArchive | ZipArchive":
    """The reader for this file, by its ending. Raises UserError where it cannot be opened.

    limit_factor: multiplies the limits on members and bytes.
    """
    kind = ZipArchive if path.name.lower().endswith(".zip") else TarArchive
    return kind(path, limit_factor)


class _Archive:
    """What both kinds share: the fingerprint, and the refusal of what no image archive holds."""

    def __init__(self, path: Path, limit_factor: float) -> None:
        self.path = path
        self._limit_factor = limit_factor
        self._seen: set[str] = set()
        self._members = 0
        self._bytes = 0

    def fingerprint(self) -> str:
        """sha256 of the archive file."""
        with _readable(self.path), self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def notes(self) -> tuple[str, ...]:
        """An archive is refused rather than read in part."""
        return ()

    def _checked(self, name: str, size: int, *, folder: bool, link: bool, plain: bool) -> str:
        """The member's name in its shortest form. Raises UserError for one that must not be."""
        if link:
            raise self._refused(name, "is a link; pack the files themselves")
        if not folder and not plain:
            raise self._refused(name, "is neither a file nor a folder")
        if not name or len(name) > MOST_NAME_CHARACTERS:
            raise self._refused(name[:50], f"has a name of {len(name):,} characters")
        try:
            name.encode()
        except UnicodeEncodeError:
            raise self._refused(name, "has a name that is not UTF-8") from None
        slashed = name.replace("\\", "/")
        if slashed.startswith("/") or slashed[1:2] == ":":
            raise self._refused(name, "has an absolute name")
        if ".." in slashed.split("/"):
            raise self._refused(name, "has a name that leads out of the archive (..)")
        self._members += 1
        self._bytes += size
        most_members, most_bytes, most_of_one = (
            int(limit * self._limit_factor)
            for limit in (MOST_MEMBERS, MOST_BYTES, MOST_MEMBER_BYTES)
        )
        for found, most, words in (
            (self._members, most_members, "is one too many: at most {1:,} are allowed"),
            (size, most_of_one, "unpacks to {0:,} bytes; {1:,} allowed"),
            (self._bytes, most_bytes, "brings the unpacked size to {0:,} bytes; {1:,} allowed"),
        ):
            if found > most:
                raise self._refused(name, f"{words.format(found, most)} (data.limit_factor)")
        short = posixpath.normpath(name)
        if not folder:
            if short in self._seen:
                raise self._refused(name, "is there twice")
            self._seen.add(short)
        return short

    def _refused(self, name: str, why: str) -> UserError:
        return UserError(f"The archive {self.path} is refused: its member {name!r} {why}.")


class TarArchive(_Archive):
    """A tar file, plain or compressed. It has no table of contents, so names cost an unpacking."""

    def __init__(self, path: Path, limit_factor: float) -> None:
        super().__init__(path, limit_factor)
        self._kept: dict[str, bytes] | None = {}  # None: too large to keep

    def names(self) -> list[str]:
        names = []
        for member, tar in self._walk():
            name = self._checked(
                member.name,
                member.size,
                folder=member.isdir(),
                link=member.issym() or member.islnk(),
                plain=member.isreg(),
            )
            if member.isdir():
                continue
            names.append(name)
            if self._bytes > _KEPT_BYTES:
                self._kept = None
            if self._kept is not None:
                self._kept[name] = self._content(tar, member)
        return names

    def contents(self, wanted: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        if self._kept is not None:
            for name in wanted:
                yield name, self._kept[name]
            return
        names = set(wanted)
        for member, tar in self._walk():
            name = posixpath.normpath(member.name)
            if name in names:
                yield name, self._content(tar, member)

    def _walk(self) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
        with (
            _readable(self.path),
            _unpacked(self.path) as stream,
            io.BufferedReader(stream, _BUFFER_BYTES) as buffered,
            tarfile.open(fileobj=buffered, mode="r:") as tar,
        ):
            while (member := tar.next()) is not None:
                yield member, tar
                # tarfile keeps every header; with 60,000 of them garbage collection takes a third
                # of the time.
                tar.members.clear()  # type: ignore[attr-defined, unused-ignore]
            # tarfile takes a file that breaks off between two members for a whole one.
            buffered.seek(tar.offset)  # type: ignore[attr-defined, unused-ignore]
            if buffered.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                raise UserError(
                    f"The archive {self.path} is cut off or damaged: its end is missing. Pack it again."
                )

    def _content(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
        with _readable(self.path):
            file = tar.extractfile(member)
            assert file is not None, member.name
            return file.read()


class ZipArchive(_Archive):
    """A zip file. Its members' sizes are claims, but no more than these are ever unpacked."""

    _guessed = 0  # names of an unknown alphabet

    def notes(self) -> tuple[str, ...]:
        if not self._guessed:
            return ()
        return (
            f"{self._guessed:,} names in the archive are of an old Windows alphabet that it does not tell: "
            "letters beyond ASCII may be wrong, in class names too. Pack the images again, with UTF-8 names",
        )

    def names(self) -> list[str]:
        with _readable(self.path), zipfile.ZipFile(self.path) as archive:
            members = [(member, _name(member)) for member in archive.infolist()]
            self._guessed = sum(_in_utf_8(member) is None for member, _ in members)
            names = [
                self._checked_file(member, name)
                for member, name in members
                if not name.endswith("/") or self._checked_folder(name)
            ]
            self._refuse_overlap(archive)
        return names

    def contents(self, wanted: Sequence[str]) -> Iterator[tuple[str, bytes | Damage]]:
        names = set(wanted)
        with _readable(self.path), zipfile.ZipFile(self.path) as archive:
            for member in archive.infolist():
                full = _name(member)
                name = posixpath.normpath(full)
                if name in names and not full.endswith("/"):
                    yield name, _content(archive, member)

    def _checked_file(self, member: zipfile.ZipInfo, name: str) -> str:
        name = self._checked(
            name,
            member.file_size,
            folder=False,
            link=stat.S_ISLNK(member.external_attr >> 16),
            plain=True,
        )
        if member.flag_bits & _ENCRYPTED:
            raise UserError(
                f"The archive {self.path} is encrypted (its member {name!r}). Unpack it with its "
                "password and give the folder, or pack the images again without one."
            )
        if member.compress_type not in _UNPACKED_BY_PYTHON:
            raise self._refused(
                name,
                "is compressed in a way that Python cannot unpack; pack the images again, with the "
                "usual compression (Deflate) or none",
            )
        return name

    def _refuse_overlap(self, archive: zipfile.ZipFile) -> None:
        """Members that share bytes are how a small file claims to hold a huge number of them."""
        members = sorted(archive.infolist(), key=lambda member: member.header_offset)
        for one, following in itertools.pairwise(members):
            end = one.header_offset + _LEAST_ZIP_HEADER_BYTES + one.compress_size
            if end > following.header_offset:
                raise self._refused(
                    one.filename,
                    f"shares bytes with {following.filename!r}, which no honest archive does (a zip "
                    "bomb); if you trust where it comes from, unpack it and give the folder",
                )

    def _checked_folder(self, name: str) -> bool:
        self._checked(name, 0, folder=True, link=False, plain=False)
        return False


def _name(member: zipfile.ZipInfo) -> str:
    """A member's name, with the slashes that the format asks for and some Windows programs do not write.

    One of an unknown alphabet is as Python reads it.
    """
    return (_in_utf_8(member) or member.filename).replace("\\", "/")


def _in_utf_8(member: zipfile.ZipInfo) -> str | None:
    """A member's name, where it claims to be UTF-8, or is it without a claim (as from a Mac); else None."""
    name = member.filename
    if name.isascii() or member.flag_bits & _UTF_8:
        return name
    try:
        return name.encode("cp437").decode()  # zipfile takes all others for this alphabet
    except UnicodeError:
        return None


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | Damage:
    """A member's bytes. What is wrong with one says nothing about the others."""
    try:
        return archive.read(member)
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's fault
            raise
        return Damage("it is damaged inside the archive; pack it again")


def _unpacked(path: Path) -> Any:
    """The bytes inside the compression, which is told by the file's first bytes, not its name."""
    with path.open("rb") as file:
        start = file.read(6)
    for magic, opened in _COMPRESSIONS.items():
        if start.startswith(magic):
            return opened(path)
    return path.open("rb", buffering=0)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns what the unpackers raise for a damaged file into a UserError."""
    try:
        yield
    except UserError:
        raise
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise UserError(f"The archive {path} cannot be read: {error.strerror}.") from error
        if isinstance(error, UnicodeDecodeError):
            raise UserError(
                f"The archive {path} holds names that are not UTF-8. Pack the images again."
            ) from error
        raise UserError(
            f"The archive {path} is damaged, cut off, or not what its ending says. Download or pack "
            "it again."
        ) from error

"""Archives: ZIP files unpacked within bounds, into a folder of their own and nowhere else."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from spatial.errors import FileError
from spatial.io.vector import READ_FAILURES, reason_of

__all__ = ["refuse_bomb", "unpack"]

_LIMIT_BYTES = 4 * 1024**3
_LIMIT_FILES = 10_000
_CHUNK_BYTES = 1024**2
_UTF8_FLAG = 0x800


def refuse_bomb(path: Path) -> None:
    """Check that an archive does not expand beyond the limit, without expanding it.

    Raises
    ------
    FileError
        If it is no ZIP archive, or holds more than 4 GiB or 10,000 files.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except READ_FAILURES as error:
        raise FileError("io.unreadable", path=path, reason=reason_of(error)) from error
    size = sum(member.file_size for member in members)
    if size > _LIMIT_BYTES or len(members) > _LIMIT_FILES:
        raise FileError(
            "io.archive_too_large",
            path=path,
            size_gb=size / 1e9,
            count=len(members),
            limit_gb=_LIMIT_BYTES / 1e9,
        )


def unpack(path: Path, folder: Path, spent_bytes: int = 0) -> list[Path]:
    """Unpack an archive into a folder and return its files.

    Names in GBK, as Chinese Windows writes them, are read as such.

    Parameters
    ----------
    path, folder : the archive and where its files go
    spent_bytes : what archives around it took already of the 4 GiB that all may take

    Raises
    ------
    FileError
        If it is damaged, locked by a password, too large, or names a file outside the folder.
    """
    refuse_bomb(path)
    files: list[Path] = []
    written = spent_bytes
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = PurePosixPath(_name(member).replace("\\", "/"))
                if name.is_absolute() or ".." in name.parts or any(":" in part for part in name.parts):
                    raise FileError("io.archive_unsafe", path=path, member=str(name))
                if member.is_dir():
                    continue
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("wb") as sink:
                    while chunk := source.read(_CHUNK_BYTES):
                        written += len(chunk)
                        if written > _LIMIT_BYTES:  # the archive lied about its sizes
                            raise FileError(
                                "io.archive_too_large",
                                path=path,
                                size_gb=written / 1e9,
                                count=len(files),
                                limit_gb=_LIMIT_BYTES / 1e9,
                            )
                        sink.write(chunk)
                files.append(target)
    except READ_FAILURES as error:
        raise FileError("io.unreadable", path=path, reason=reason_of(error)) from error
    return files


def _name(member: zipfile.ZipInfo) -> str:
    if member.flag_bits & _UTF8_FLAG:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gb18030")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return member.filename

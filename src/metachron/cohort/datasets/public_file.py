"""A published file: found on this machine, or fetched from its public home and checked."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from metachron.base import DataNotFoundError, InputError, Problem

DATA_VARIABLE = "METACHRON_DATA"
_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class PublicFile:
    """One file as its publisher distributes it.

    Parameters
    ----------
    name : file name looked for in the data folder and used in the cache.
    sha256 : checksum of the file that metachron was written for; None: it was written for the layout, without the file.
    urls : public addresses, tried in this order; empty when the file has no public home.
    origin : where a person finds it, in words.
    doi : of a repository that gives the file and its checksum; used without `sha256`.
    """

    name: str
    sha256: str | None
    urls: tuple[str, ...]
    origin: str
    doi: str = ""

    @property
    def known_hash(self) -> str:
        """The checksum as pooch writes it."""
        return f"sha256:{self.sha256}"

    @property
    def place(self) -> Path:
        """Where it is looked for in a folder; one with a common name has a folder of its own, called by its DOI."""
        return Path(self.doi.replace("/", "_")) / self.name

    @property
    def checked(self) -> str:
        """How the file is checked, in words."""
        return f"sha256 {self.sha256}" if self.sha256 else "checked against the publisher's checksum when downloaded"


def find_file(file: PublicFile, *, folder: Path | None = None, cache: Path | None = None) -> Path:
    """Return the path of a published file whose checksum was verified, as far as one is known.

    Looked for in `folder`, then in `cache`, then downloaded into `cache`. Of a file without a checksum of ours, a copy
    in `folder` is taken as it is, and a download is held against the checksum of its repository.

    Parameters
    ----------
    folder : data folder; by default the one that the variable METACHRON_DATA names, if it is set.
    cache : download folder; by default the user's cache folder of metachron.

    Raises
    ------
    InputError : the file in `folder` has another checksum.
    DataNotFoundError : the file is not at hand and no address gave it with the right checksum; no address or
        checksum is guessed and nothing else is loaded in its place.
    """
    folder = folder or _data_folder()
    if folder is not None and (path := folder / file.place).is_file():
        if file.sha256 is not None:
            _check_sum(file, path)
        return path
    return _download(file, cache or _default_cache(), folder)


def _data_folder() -> Path | None:
    value = os.environ.get(DATA_VARIABLE)
    return Path(value) if value else None


def _default_cache() -> Path:
    import pooch

    return Path(pooch.os_cache("metachron"))


def _check_sum(file: PublicFile, path: Path) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != file.sha256:
        problem = Problem(
            rule="checksum",
            found=f"sha256 {found}",
            expected=f"sha256 {file.sha256}",
            remedy=f"put the published file there ({file.origin}), unopened and unsaved by a spreadsheet program, "
            "or read your own version as a folder of tables",
            why="counts, accepted exceptions and warnings of a named data set hold for the published file only",
            file=str(path),
        )
        raise InputError([problem], f"the data file {file.name}")


def _download(file: PublicFile, cache: Path, folder: Path | None) -> Path:
    """Return the file from the cache, or from the first address that gives it with the right checksum."""
    import pooch

    failures = []
    fetch = pooch.HTTPDownloader(timeout=_TIMEOUT_SECONDS)
    if file.doi:
        try:
            return _from_repository(file, cache)
        except (OSError, ValueError) as error:
            failures.append(f"doi:{file.doi}: {_first_line(error)}")
    for url in file.urls:
        try:
            return Path(pooch.retrieve(url, known_hash=file.known_hash, fname=file.name, path=cache, downloader=fetch))
        except (OSError, ValueError) as error:  # no network, refused, not found; wrong checksum
            failures.append(f"{url}: {_first_line(error)}")
    raise DataNotFoundError(_not_found(file, folder, failures))


def _from_repository(file: PublicFile, cache: Path) -> Path:
    """Return the file from the repository of its DOI, checked against the checksum that this gives; kept by DOI."""
    import pooch

    repository = pooch.create(path=(cache / file.place).parent, base_url=f"doi:{file.doi}/", registry=None)
    repository.load_registry_from_doi()
    return Path(repository.fetch(file.name))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _not_found(file: PublicFile, folder: Path | None, failures: list[str]) -> str:
    where = f"{DATA_VARIABLE} = {folder} does not hold it" if folder else f"{DATA_VARIABLE} is not set"
    home = "\n".join(f"  tried {failure}" for failure in failures) or "  it has no public address"
    return (
        f"the data file {file.name} is not on this machine ({where}) and could not be downloaded:\n{home}\n"
        f"what to do: get it from {file.origin}, put it in a folder under the name {file.place}, "
        f"and set {DATA_VARIABLE} to that folder"
    )

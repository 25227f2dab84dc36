"""Published files: found in the data folder, fetched from a server, and refused with another checksum."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest

from metachron.base import DataNotFoundError, InputError
from metachron.cohort.datasets import DataSet, PublicFile, Published, find_file

CONTENT = b"patient,study,arm\n1,S,A\n2,S,A\n"


@dataclass
class Home:
    """A public home: what it serves by path, and which paths were asked for."""

    address: str
    pages: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def file(self, *paths: str, content: bytes = CONTENT) -> PublicFile:
        """Return a file with that checksum and these addresses."""
        urls = tuple(f"{self.address}{path}" for path in paths)
        return PublicFile("table.csv", hashlib.sha256(content).hexdigest(), urls, "the supplement of the article")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place.asked.append(self.path)
            found = self.path in place.pages
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(place.pages.get(self.path, b""))

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    place = Home(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield place
    server.shutdown()
    server.server_close()


@pytest.fixture
def data_set(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataSet:
    """A data set at that home, on a machine with an empty data folder and an empty cache."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("METACHRON_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def read(paths: Mapping[str, Path]) -> Published:
        return Published({"patients": pl.read_csv(paths["table.csv"])})

    return DataSet(
        name="small",
        title="Two patients",
        citation="Nobody 2020",
        licence="CC0",
        doi="10.1/x",
        files=(home.file("/table.csv"),),
        read=read,
        patients=2,
        warnings=("made up",),
    )


def test_right_checksum_is_downloaded_once(home: Home, tmp_path: Path) -> None:
    home.pages["/table.csv"] = CONTENT
    file = home.file("/table.csv")
    first = find_file(file, folder=tmp_path / "none", cache=tmp_path / "cache")
    again = find_file(file, folder=tmp_path / "none", cache=tmp_path / "cache")
    assert first == again
    assert first.read_bytes() == CONTENT
    assert home.asked == ["/table.csv"]


def test_second_address_is_tried(home: Home, tmp_path: Path) -> None:
    home.pages |= {"/changed.csv": b"something else", "/table.csv": CONTENT}
    file = home.file("/gone.csv", "/changed.csv", "/table.csv")
    assert find_file(file, folder=tmp_path, cache=tmp_path / "cache").read_bytes() == CONTENT
    assert home.asked == ["/gone.csv", "/changed.csv", "/table.csv"]


def test_wrong_checksum_is_refused(home: Home, tmp_path: Path) -> None:
    home.pages["/table.csv"] = b"patient,study,arm\n1,S,B\n"
    file = home.file("/table.csv")
    with pytest.raises(DataNotFoundError) as caught:
        find_file(file, folder=tmp_path, cache=tmp_path / "cache")
    text = str(caught.value)
    for part in (f"{home.address}/table.csv", "hash", file.sha256, "METACHRON_DATA", "the supplement of the article"):
        assert part in text
    assert not list((tmp_path / "cache").iterdir())


def test_no_answer_names_file_variable_and_address(tmp_path: Path) -> None:
    file = PublicFile("table.csv", "0" * 64, ("http://127.0.0.1:9/table.csv",), "the supplement")
    with pytest.raises(DataNotFoundError, match=r"(?s)table\.csv.*METACHRON_DATA.*http://127\.0\.0\.1:9/table\.csv"):
        find_file(file, folder=tmp_path, cache=tmp_path / "cache")


def test_no_public_home(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no public address"):
        find_file(PublicFile("table.csv", "0" * 64, (), "the course"), folder=tmp_path, cache=tmp_path / "cache")


def test_data_folder_comes_first(home: Home, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(CONTENT)
    assert find_file(home.file("/table.csv"), folder=tmp_path, cache=tmp_path / "cache") == tmp_path / "table.csv"
    assert home.asked == []


def test_another_file_of_that_name_is_refused(home: Home, tmp_path: Path) -> None:
    home.pages["/table.csv"] = CONTENT
    (tmp_path / "table.csv").write_bytes(CONTENT + b"3,S,A\n")
    with pytest.raises(InputError) as caught:
        find_file(home.file("/table.csv"), folder=tmp_path, cache=tmp_path / "cache")
    (problem,) = caught.value.problems
    assert problem.rule == "checksum"
    assert problem.file == str(tmp_path / "table.csv")


def test_data_set_is_downloaded_and_loaded(home: Home, data_set: DataSet) -> None:
    home.pages["/table.csv"] = CONTENT
    cohort = data_set.load()
    assert cohort.patient_ids == ("1", "2")
    assert cohort.notes == ("made up",)
    assert cohort.provenance["licence"] == "CC0"
    text = data_set.describe()
    assert all(part in text for part in ("Two patients", "Nobody 2020", "CC0", "made up", "patients: 2 rows"))


def test_description_without_the_file(data_set: DataSet) -> None:
    text = data_set.describe()
    assert all(part in text for part in ("Two patients", "Nobody 2020", "CC0", "made up", "2 patients"))
    assert "could not be downloaded" in text


def test_find_refuses_an_unknown_name(data_set: DataSet) -> None:
    with pytest.raises(DataNotFoundError, match=r"no file called 'tables\.csv'; it has table\.csv"):
        data_set.find("tables.csv")

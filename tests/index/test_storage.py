"""Where an index may lie, and what the environment says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from index_cases import DrawnEncoder, cases, finished, written

from threatclip.errors import DamagedArtifactError, InputError, NotInstalledError, StorageError
from threatclip.index import generations
from threatclip.index.build import add_cases, build_index
from threatclip.index.cases import case_tables
from threatclip.index.search import open_index
from threatclip.index.storage import connect, lance_errors, local_folder, storage_options


def test_places_are_folders_or_what_lancedb_takes() -> None:
    assert local_folder("runs/index") == Path("runs/index")
    assert local_folder("file:///srv/an%20index") == Path("/srv/an index")
    assert local_folder("file://localhost/srv/index") == Path("/srv/index")
    for uri in ("s3://bucket/index", "gs://bucket/index", "az://box/index", "s3+ddb://bucket/index"):
        assert local_folder(uri) is None
    for uri in ("http://host/index", "db://cloud", "javascript://x", "s4://bucket"):
        with pytest.raises(InputError, match="at no place that an index can lie"):
            local_folder(uri)
    with pytest.raises(InputError, match="a file of the host 'host'"):
        local_folder("file://host/index")


def test_options_come_from_the_environment() -> None:
    environment = {
        "THREATCLIP_STORAGE_AWS_ENDPOINT": "http://store.test:9000",
        "THREATCLIP_STORAGE_ALLOW_HTTP": "true",
        "THREATCLIP_STORAGE_": "nothing",
        "THREATCLIP_DATA": "elsewhere",
    }
    assert storage_options(environment) == {"aws_endpoint": "http://store.test:9000", "allow_http": "true"}


def test_the_options_reach_lancedb(monkeypatch: pytest.MonkeyPatch) -> None:
    import lancedb

    given: dict[str, Any] = {}
    monkeypatch.setattr(lancedb, "connect", lambda uri, **options: given.update(uri=uri, **options))
    monkeypatch.setenv("THREATCLIP_STORAGE_AWS_REGION", "eu-1")
    connect("s3://bucket/index")
    assert given["uri"] == "s3://bucket/index"
    assert given["storage_options"] == {"aws_region": "eu-1"}


def test_an_index_at_a_file_uri(tmp_path: Path) -> None:
    encoder = DrawnEncoder()
    table = written(tmp_path / "cases.parquet", cases(20))
    uri = f"file://{tmp_path}/an%20index"
    finished(build_index(uri, case_tables([table]), encoder=encoder))
    more = written(tmp_path / "more.parquet", [replace(pair, group="again") for pair in cases(20)])
    finished(add_cases(uri, case_tables([more]), encoder=encoder))
    assert open_index(str(tmp_path / "an index")).generation.rows == 40
    assert open_index(uri).search(encoder.views([b"case number 3"]), model=encoder.model, k=2)[0][1].id == "case-3"


def test_failures_are_sorted() -> None:
    for error, kind in (
        (OSError(28, "No space left on device"), StorageError),
        (RuntimeError("lance error: LanceError(IO): Permission denied (os error 13)"), StorageError),
        (OSError("Generic S3 error: the credential provider was not enabled"), StorageError),
        (ValueError("Table 'x' was not found"), DamagedArtifactError),
        (RuntimeError("lance error: Invalid user input: file has a bad magic"), DamagedArtifactError),
    ):
        with pytest.raises(kind, match="the index s3://x"), lance_errors("s3://x"):
            raise error
    with pytest.raises(InputError, match="as it was"), lance_errors("s3://x"):
        raise InputError("as it was")
    with pytest.raises(TypeError), lance_errors("s3://x"):
        raise TypeError("a bug of ours stays one")


def test_places_in_the_library_s_source_are_left_out() -> None:
    with pytest.raises(StorageError) as told, lance_errors("x"):
        raise RuntimeError(
            "lance error: LanceError(IO): No space left on device (os error 28), /a/b-1.0/src/io.rs:191:9"
        )
    assert str(told.value).startswith(
        "cannot use the index x: lance error: LanceError(IO): No space left on device (os"
    )
    assert ".rs" not in str(told.value)


def test_a_library_that_gives_up_is_told_as_damage() -> None:
    class PanicException(BaseException):
        pass

    with pytest.raises(DamagedArtifactError, match="range end"), lance_errors("x"):
        raise PanicException("range end out of bounds")
    with pytest.raises(KeyboardInterrupt), lance_errors("x"):
        raise KeyboardInterrupt


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lancedb", None)
    with pytest.raises(NotInstalledError, match=r"\.\[index\]"):
        connect(str(tmp_path))


def test_an_index_in_an_object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import lancedb

    # LanceDB's own store in memory, reached as any object store is; it lasts as long as one connection
    store = lancedb.connect("memory://known", read_consistency_interval=timedelta(0))
    monkeypatch.setattr(generations, "connect", lambda uri: store)
    encoder, uri = DrawnEncoder(), "memory://known"
    tables = [written(tmp_path / f"{name}.parquet", cases(20, name=name)) for name in ("old", "new", "newer")]
    finished(build_index(uri, case_tables(tables[:1]), encoder=encoder))
    reader = open_index(uri, refresh_s=0.0)
    for table, name in zip(tables[1:], ("new", "newer"), strict=True):
        finished(add_cases(uri, case_tables([table]), encoder=encoder))
        query = encoder.views([f"{name} number 3".encode()])
        assert reader.search(query, model=encoder.model, k=1)[0][0].id == f"{name}-3"
    finished(build_index(uri, case_tables(tables[1:]), encoder=encoder))
    assert {hit.source for hit in reader.search(query, model=encoder.model, k=60)[0]} == {"new", "newer"}

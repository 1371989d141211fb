"""Tar shards: what the webdataset library writes is read; hostile shards are told, never obeyed."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encoded_pictures import encoded, smooth_picture
from threatclip.errors import BadRow, InputError
from threatclip.pairs.images import LIMITS
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources import WebDataset
from threatclip.pairs.sources.rows import Row, SkippedRow

PNG, GIF = (encoded(smooth_picture(height=6, width=7), name) for name in ("PNG", "GIF"))


def shard(path: Path, members: Mapping[str, bytes], *, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def read(path: Path, **options: Any) -> list[Row]:
    return list(WebDataset(**options).read(path))


def pairs(rows: list[Row]) -> list[Pair]:
    return [row for row in rows if isinstance(row, Pair)]


def bad(rows: list[Row]) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in rows if isinstance(row, BadRow)]


def test_what_the_library_writes_is_read(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    samples = [
        {
            "__key__": f"part/{n:04d}",
            "png": smooth_picture(height=5, width=6, seed=n),
            "txt": f"picture {n}",
            "cls": n % 3,
        }
        for n in range(7)
    ]
    with webdataset.TarWriter(str(tmp_path / "s.tar")) as writer:
        for sample in samples:
            writer.write(sample)
    found = read(tmp_path / "s.tar", columns={"view": "picture", "caption": "txt", "label": "cls"})
    assert [(pair.id, pair.caption, pair.label) for pair in pairs(found)] == [
        (sample["__key__"], sample["txt"], str(sample["cls"])) for sample in samples
    ]
    assert len(found) == 7


def test_shards_of_a_folder_are_read_in_order_plain_or_compressed(tmp_path: Path) -> None:
    shard(tmp_path / "b.tar", {"2.png": PNG, "2.txt": b"two", "3.gif": GIF})
    shard(
        tmp_path / "a.tar.gz",
        {"1.jpg": PNG, "1.txt": b" one\n", "1.npy": b"x", "1.json": b'{"x": {"y": "z"}}'},
        mode="w:gz",
    )
    (tmp_path / "notes").write_text("x")
    found = read(tmp_path, columns={"view": "picture", "caption": "txt", "meta.z": "json.x.y"})
    assert found == [
        Pair(id="1", view=PNG, caption="one", meta={"z": "z"}),
        Pair(id="2", view=PNG, caption="two"),
        Pair(id="3", view=GIF),
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no \.tar, \.tar\.gz or \.tgz"):
        read(tmp_path / "empty")


def test_a_sample_may_lack_a_half_and_a_broken_one_is_told(tmp_path: Path) -> None:
    members = {
        "a.png": PNG,
        "b.txt": b"words alone",
        "c.npy": b"x",
        "d.png": PNG,
        "d.gif": GIF,
        "d.txt": b"x",
        "e.png": PNG[:50],
        "f.txt": b"\xff",
        "f.png": PNG,
        "g.png": PNG,
        "g.json": b"{",
        "h.txt": b"#Storm over the #OldTown",
        "a.txt": b"late",
    }
    found = read(shard(tmp_path / "s.tar", members), hashtags="words")
    assert [(pair.id, pair.view, pair.caption) for pair in pairs(found)] == [
        ("a", PNG, None),
        ("b", b"", "words alone"),
        ("h", b"", "Storm over the Old Town"),
    ]
    told = bad(found)
    assert [line for line, _ in told] == [3, 4, 5, 6, 7, 9]
    assert told[0][1] == "neither a picture nor words"
    assert told[1][1] == "the sample has two pictures"
    assert told[3][1].startswith("the member txt is not readable")
    assert told[5][1] == "the id 'a' occurs twice"


def test_links_devices_and_giants_are_told_and_pickles_stay_shut(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return open, (str(tmp_path / "exploded"), "w")

    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        for name, kind, target in (("a.png", tarfile.SYMTYPE, "/etc/hostname"), ("b.txt", tarfile.CHRTYPE, "")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            tar.addfile(member)
        for name, content in (("c.png", PNG), ("c.pyd", pickle.dumps(Bomb())), ("c.pickle", pickle.dumps(Bomb()))):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, size in (("d.png", LIMITS.max_bytes + 1), ("e.txt", 2**20 + 1)):
            member = tarfile.TarInfo(name)
            member.size = size
            tar.addfile(member, io.BytesIO(b"\0" * size))
    found = read(tmp_path / "s.tar", columns={"view": "picture"})
    assert [pair.id for pair in pairs(found)] == ["c"]
    assert [(line, reason[:30]) for line, reason in bad(found)] == [
        (1, "the member png is no plain fil"),
        (2, "the member txt is no plain fil"),
        (4, "the member png has 33,554,433 "),
        (5, "the member txt has 1,048,577 b"),
    ]
    assert not (tmp_path / "exploded").exists()


def test_a_shard_that_breaks_off_gives_what_came_before_and_a_bad_row(tmp_path: Path) -> None:
    path = shard(tmp_path / "s.tar", {f"{n}.png": PNG for n in range(6)})
    whole = path.read_bytes()
    size = 512 + -(-len(PNG) // 512) * 512
    for cut in (3 * size, 3 * size + 100, 3 * size + 512 + len(PNG) // 2, 6 * size):
        path.write_bytes(whole[:cut])
        found = read(path, columns={"view": "picture"})
        assert len(pairs(found)) in (cut // size, cut // size - 1)
        assert len(bad(found)) == 1
        assert "damaged from here on" in bad(found)[0][1]
    path.write_bytes(whole[: 3 * size] + b"?" * 512 + whole[3 * size + 512 :])
    assert "damaged from here on" in bad(read(path, columns={"view": "picture"}))[-1][1]
    path.write_bytes(gzip.compress(whole)[:300])
    assert "damaged from here on" in bad(read(path, columns={"view": "picture"}))[-1][1]
    for junk in (b"no tar at all", b"x" * 2_000, gzip.compress(b"x" * 2_000)):
        path.write_bytes(junk)
        with pytest.raises(InputError, match="is not a readable tar file"):
            read(path)


def test_a_header_that_claims_gigabytes_is_not_believed(tmp_path: Path) -> None:
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
        header = tarfile.TarInfo("x")
        header.type, header.size = kind, 8 * 2**30
        path = tmp_path / "s.tar"
        path.write_bytes(shard(path, {"a.png": PNG}).read_bytes()[:-1024].rstrip(b"\0").ljust(2048, b"\0")[:1536])
        path.write_bytes(path.read_bytes()[:1024] + header.tobuf(tarfile.GNU_FORMAT) + b"\0" * 4096)
        found = read(path, columns={"view": "picture"})
        assert "claims 8,589,934,592 bytes" in bad(found)[-1][1]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(st.tuples(st.integers(0, 4095), st.binary(min_size=1, max_size=12)), min_size=1, max_size=6),
    pax=st.dictionaries(
        st.sampled_from(["size", "path", "GNU.sparse.size", "GNU.sparse.map"]),
        st.sampled_from(["-512", "7", "1e9", "x"]),
    ),
)
def test_from_any_shard_come_rows_or_an_input_error(
    tmp_path: Path, edits: list[tuple[int, bytes]], pax: dict[str, str]
) -> None:
    path = tmp_path / "s.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in (("a.png", PNG), ("a.txt", b"x"), ("b.png", PNG)):
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = len(content), dict(pax) if name == "a.txt" else {}
            tar.addfile(member, io.BytesIO(content))
    content = bytearray(path.read_bytes())
    for at, change in edits:
        content[at : at + len(change)] = change
    path.write_bytes(content)
    try:
        found = read(path, columns={"view": "picture"})
    except InputError:
        return
    assert all(isinstance(row, Pair | BadRow | SkippedRow) for row in found)

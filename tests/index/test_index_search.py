"""A search finds what a loop over all cases finds, exactly or nearly, under every filter."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from index_cases import DIM, LABELS, DrawnEncoder, cases, finished, written

from threatclip.errors import DamagedArtifactError, InputError
from threatclip.index.build import add_cases, build_index
from threatclip.index.cases import case_tables
from threatclip.index.search import Index, open_index
from threatclip.index.settings import IndexSettings
from threatclip.index.where import Where
from threatclip.pairs.pair import Pair

ENCODER = DrawnEncoder()
N_EXACT, N_APPROXIMATE = 300, 5_200
SINCE, UNTIL = datetime(2004, 1, 1, tzinfo=UTC), datetime(2012, 6, 1, tzinfo=UTC)
FILTERS = {
    "everything": Where(),
    "label": Where(labels=("xss",)),
    "quoted label": Where(labels=(str(LABELS[2]),)),
    "labels": Where(labels=("xss", "sql-injection", "none such")),
    "no label": Where(labels=("none such",)),
    "injection": Where(labels=("x' OR '1'='1",)),
    "since": Where(since=SINCE),
    "range": Where(since=SINCE, until=UNTIL),
    "all three": Where(labels=("xss",), since=SINCE, until=UNTIL, sources=("cases",)),
    "source": Where(sources=("elsewhere",)),
    "narrow": Where(labels=("xss",), since=SINCE, until=datetime(2004, 6, 1, tzinfo=UTC)),
}


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("exact")
    table = written(folder / "cases.parquet", cases(N_EXACT))
    finished(build_index(str(folder / "index"), case_tables([table]), encoder=ENCODER))
    return open_index(str(folder / "index"))


@pytest.fixture(scope="module", params=["IVF_HNSW_SQ", "IVF_PQ"])
def approximate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("approximate")
    table = written(folder / "cases.parquet", cases(N_APPROXIMATE))
    settings = IndexSettings(exact_rows=5_000, kind=request.param, n_queries=50)
    finished(build_index(str(folder / "index"), case_tables([table]), encoder=ENCODER, settings=settings))
    return open_index(str(folder / "index"))


@functools.cache
def known(n: int) -> tuple[list[Pair], np.ndarray]:
    pairs = cases(n)
    return pairs, ENCODER.views([pair.view for pair in pairs])


def slowly(n: int, query: np.ndarray, where: Where, k: int) -> list[tuple[str, float]]:
    pairs, vectors = known(n)
    scores = vectors @ query
    kept = [
        (pair.id, float(score))
        for pair, score in zip(pairs, scores, strict=True)
        if (not where.labels or pair.label in where.labels)
        and (not where.sources or "cases" in where.sources)
        and (where.since is None or (pair.time is not None and pair.time >= where.since))
        and (where.until is None or (pair.time is not None and pair.time < where.until))
    ]
    return sorted(kept, key=lambda found: -found[1])[:k]


@pytest.mark.parametrize("name", FILTERS)
def test_exact_search_finds_what_a_loop_finds(exact: Index, name: str) -> None:
    queries = ENCODER.views([b"case number 8", b"something else"])
    found = exact.search(3.5 * queries, model=ENCODER.model, k=7, where=FILTERS[name])
    for hits, query in zip(found, queries, strict=True):
        wanted = slowly(N_EXACT, query, FILTERS[name], 7)
        assert [hit.id for hit in hits] == [case_id for case_id, _ in wanted]
        np.testing.assert_allclose([hit.score for hit in hits], [score for _, score in wanted], atol=1e-5)


def test_a_hit_says_what_its_pair_says(exact: Index) -> None:
    pair = cases(N_EXACT)[8]
    hit = exact.search(ENCODER.views([pair.view]), model=ENCODER.model, k=1)[0][0]
    assert (hit.id, hit.source, hit.label, hit.group, hit.time) == (pair.id, "cases", pair.label, pair.group, pair.time)
    assert (hit.text, hit.caption) == (pair.view.decode(), pair.caption)
    assert hit.as_dict()["time"] == "2008-01-01T00:00:00+00:00"


@pytest.mark.parametrize("name", FILTERS)
def test_approximate_search_finds_enough_under_every_filter(approximate: Index, name: str) -> None:
    assert approximate.generation.approximate is not None
    queries = ENCODER.views([b"case number %d" % number for number in range(5)])
    found = approximate.search(queries, model=ENCODER.model, k=10, where=FILTERS[name])
    hit = n_wanted = 0
    for hits, query in zip(found, queries, strict=True):
        wanted = dict(slowly(N_APPROXIMATE, query, FILTERS[name], 10))
        assert len(hits) == len(wanted)
        hit, n_wanted = hit + sum(one.id in wanted for one in hits), n_wanted + len(wanted)
        for one in hits:
            if one.id in wanted:
                assert one.score == pytest.approx(wanted[one.id], abs=1e-4)
    assert hit >= 0.9 * n_wanted


def test_recall_is_measured_and_kept(approximate: Index) -> None:
    one = approximate.generation.approximate
    assert one is not None
    assert (one.k, one.n_queries) == (10, 50)
    assert 0.95 <= one.recall <= 1


def test_an_exact_index_that_grows_becomes_approximate(tmp_path: Path) -> None:
    first = written(tmp_path / "first.parquet", cases(4_900))
    second = written(tmp_path / "second.parquet", cases(300, name="new"))
    uri, settings = str(tmp_path / "index"), IndexSettings(exact_rows=5_000, n_queries=20)
    assert (
        finished(build_index(uri, case_tables([first]), encoder=ENCODER, settings=settings)).generation.approximate
        is None
    )
    steps: list[str] = []
    report = finished(
        add_cases(uri, case_tables([second]), encoder=ENCODER, settings=settings), lambda step: steps.append(step.stage)
    )
    assert report.generation.approximate is not None
    assert list(dict.fromkeys(steps)) == ["cases", "approximate index", "recall"]
    found = open_index(uri).search(ENCODER.views([b"new number 3", b"case number 3"]), model=ENCODER.model, k=1)
    assert [hits[0].id for hits in found] == ["new-3", "case-3"]


def test_cases_like_a_case_are_others(exact: Index) -> None:
    hits = exact.like("case-8", k=3)
    query = ENCODER.views([b"case number 8"])[0]
    assert [hit.id for hit in hits] == [case_id for case_id, _ in slowly(N_EXACT, query, Where(), 4)[1:]]
    np.testing.assert_allclose(exact.vector_of("case-8"), query, atol=1e-6)
    for hostile in ("nothing", "x' OR '1'='1", "case-8' --", ""):
        with pytest.raises(InputError, match="no case"):
            exact.like(hostile)
    with pytest.raises(InputError, match="no case"):
        exact.like("case-8", source="elsewhere")


def test_a_case_of_two_sources_must_be_named_with_one(tmp_path: Path) -> None:
    tables = [
        written(tmp_path / f"{name}.parquet", [replace(pair, group=name) for pair in cases(3)]) for name in ("a", "b")
    ]
    uri = str(tmp_path / "index")
    finished(build_index(uri, case_tables(tables), encoder=ENCODER))
    index = open_index(uri)
    with pytest.raises(InputError, match=r"in several sources \(a, b\); name its source"):
        index.like("case-1")
    assert [(hit.id, hit.source) for hit in index.like("case-1", source="a", k=1)] == [("case-1", "b")]


def test_questions_that_cannot_be_are_refused(exact: Index) -> None:
    model = ENCODER.model
    with pytest.raises(InputError, match=r"shape \[1, 3\]; the index wants \[queries, 16\]"):
        exact.search(np.ones((1, 3), dtype=np.float32), model=model)
    with pytest.raises(InputError, match=r"shape \[16\]"):
        exact.search(np.ones(DIM, dtype=np.float32), model=model)
    for bad in (0.0, np.nan, np.inf):
        with pytest.raises(InputError, match="zero or not finite"):
            exact.search(np.full((2, DIM), bad, dtype=np.float32), model=model)
    for k in (0, -1, 1_001):
        with pytest.raises(InputError, match="ask for 1 to 1,000"):
            exact.search(ENCODER.views([b"x"]), model=model, k=k)
    with pytest.raises(InputError, match="10,001 queries at once"):
        exact.search(np.ones((10_001, DIM), dtype=np.float32), model=model)
    assert exact.search(np.zeros((0, DIM), dtype=np.float32), model=model) == []
    assert len(exact.search(ENCODER.views([b"x"]), model=model, k=1_000)[0]) == N_EXACT


def test_settings_are_held_to_their_limits() -> None:
    for given, says in (
        ({"kind": "FLAT"}, "choose IVF_HNSW_SQ or IVF_PQ"),
        ({"recall": 0.0}, "above 0"),
        ({"recall": float("nan")}, "above 0"),
        ({"exact_rows": 10}, "at least 5,000"),
        ({"k": 0}, "choose 1 to 100"),
        ({"batch_rows": 10**9}, "choose 1 to 65,536"),
    ):
        with pytest.raises(InputError, match=says):
            IndexSettings(**given)  # type: ignore[arg-type]


def test_a_table_that_vanished_is_told(tmp_path: Path) -> None:
    import shutil

    table = written(tmp_path / "cases.parquet", cases(5))
    uri = str(tmp_path / "index")
    finished(build_index(uri, case_tables([table]), encoder=ENCODER))
    for folder in Path(uri).glob("cases-*"):
        shutil.rmtree(folder)
    with pytest.raises(DamagedArtifactError, match="build it anew"):
        open_index(uri)

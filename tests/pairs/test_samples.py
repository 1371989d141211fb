"""The embedded sample pairs: stable, balanced, parseable, free of real hosts, and varied."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.errors import InputError
from threatclip.pairs.grammar import BENIGN, class_grammar
from threatclip.pairs.grammar.engine import Grammar, to_bytes
from threatclip.pairs.grammar.places import FILLERS
from threatclip.pairs.http import parse_requests
from threatclip.pairs.pair import Pair, pair_fault
from threatclip.pairs.samples import CLASSES, attack_values, sample_pairs, wrap_in_request
from threatclip.pairs.weaknesses import WEAKNESSES
from threatclip.seeds import rng

KEYWORDS = {
    "xss": r"cross-site scripting|\bxss\b",
    "sql-injection": r"sql injection|\bsqli\b",
    "path-traversal": r"traversal|file inclusion|\blfi\b",
    "command-injection": r"command injection",
    "code-injection": r"code injection|template injection|\bssti\b|expression language injection",
    "deserialization": r"deserializ",
    "file-upload": r"file upload|unrestricted upload",
    "ssrf": r"server-side request forgery|\bssrf\b",
    "xxe": r"external entit|\bxxe\b",
    "open-redirect": r"open redirect",
    "info-exposure": r"information disclosure|information exposure|sensitive information",
    "access-control": r"authentication bypass|access control|authorization|missing authentication",
}
RESERVED = re.compile(r"(^|\.)(test|example|invalid|localhost|local|internal|localdomain|consul|corp)\.?$|^svc$|\.svc$")
RESERVED_NAMES = {"example.com", "example.org", "example.net", "www.example.com", "localhost"}
NAMESPACES = {  # identifiers inside XML, never contacted
    "www.w3.org", "schemas.xmlsoap.org", "java.sun.com", "schemas.microsoft.com", "www.springframework.org",
    "xml.apache.org", "php.net", "ws.apache.org", "bea.com", "schemas.openxmlformats.org", "www.opengis.net",
}  # fmt: skip
METADATA = {"169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "169.254.43518"}
SAMPLE = 3000


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return list(sample_pairs(n=SAMPLE, seed=5, benign_fraction=0.1))


@pytest.fixture(scope="module")
def attacks(pairs: list[Pair]) -> list[Pair]:
    return [pair for pair in pairs if pair.label is not None]


def test_the_same_seed_gives_the_same_pairs() -> None:
    first = list(sample_pairs(n=200, seed=3, benign_fraction=0.2))
    assert first == list(sample_pairs(n=200, seed=3, benign_fraction=0.2))
    other = list(sample_pairs(n=200, seed=4, benign_fraction=0.2))
    assert not {pair.view for pair in first} & {pair.view for pair in other}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**40), length=st.integers(0, 40), more=st.integers(0, 40), share=st.sampled_from([0, 0.3]))
def test_a_longer_table_begins_with_the_shorter_one(seed: int, length: int, more: int, share: float) -> None:
    short = list(sample_pairs(n=length, seed=seed, benign_fraction=share))
    long = sample_pairs(n=length + more, seed=seed, benign_fraction=share)
    assert list(islice(long, length)) == short


def test_years_bound_the_pairs_and_what_was_not_yet_known() -> None:
    early = list(sample_pairs(n=2400, seed=6, years=(2012, 2019), benign_fraction=0.05))
    assert {pair.time.year for pair in early if pair.time} == set(range(2012, 2020))
    young = re.compile(rb"jndi(:|%3a)|class\.module\.classLoader|getBuiltinModule|popover", re.I)
    assert not [pair.id for pair in early if young.search(pair.view)]
    late = b"".join(pair.view for pair in sample_pairs(n=1200, seed=6, years=(2022, 2024), classes=["code-injection"]))
    assert young.search(late)


def test_it_streams_without_end() -> None:
    endless = sample_pairs(n=10**12, seed=0)
    assert len(list(islice(endless, 5))) == 5


def test_every_class_is_there_and_in_balance(pairs: list[Pair]) -> None:
    counts = Counter(pair.label for pair in pairs)
    assert counts.pop(None) == SAMPLE // 10
    assert set(counts) == set(CLASSES)
    assert max(counts.values()) - min(counts.values()) <= 3
    assert set(CLASSES) <= set(WEAKNESSES)


def test_a_short_prefix_holds_every_class() -> None:
    assert {pair.label for pair in sample_pairs(n=12, seed=9)} == set(CLASSES)


def test_classes_can_be_chosen() -> None:
    chosen = ["xxe", "ssrf"]
    assert {pair.label for pair in sample_pairs(n=20, seed=0, classes=chosen)} == set(chosen)


def test_pairs_fit_a_pair_table(pairs: list[Pair]) -> None:
    assert [fault for pair in pairs if (fault := pair_fault(pair))] == []
    assert len({pair.id for pair in pairs}) == SAMPLE
    assert len({pair.view for pair in pairs}) >= 0.998 * SAMPLE
    for pair in pairs:
        assert pair.time is not None
        assert 2012 <= pair.time.year <= 2024
        assert re.fullmatch(rf"SAMPLE-{pair.time.year}-B?\d{{5,}}", pair.group or "")
        assert set(pair.meta) == {"vendor", "product", "kind", "source"}
        assert all(pair.meta.values())
        assert pair.meta["kind"] == ("benign" if pair.label is None else "attack")
        assert len(pair.view) <= 16384


def test_a_group_is_one_flaw(attacks: list[Pair]) -> None:
    facts: dict[str, set[tuple[object, ...]]] = {}
    for pair in attacks:
        facts.setdefault(pair.group or "", set()).add((pair.label, pair.caption, pair.time, pair.meta["vendor"]))
    assert all(len(each) == 1 for each in facts.values())
    sizes = Counter(pair.group for pair in attacks).values()
    assert {1, 2, 3} >= set(sizes)
    assert max(sizes) == 3


def test_vendors_repeat_so_that_a_vendor_split_means_something(attacks: list[Pair]) -> None:
    groups = {(pair.meta["vendor"], pair.group) for pair in attacks}
    per_vendor = Counter(vendor for vendor, _ in groups)
    assert 50 < len(per_vendor) < len(groups) * 0.6


def test_every_view_is_a_chain_of_requests(pairs: list[Pair]) -> None:
    lines = re.compile(rb"^[A-Z]{2,10} \S+ HTTP/(1\.[01]|2)\r?$")
    for pair in pairs:
        assert lines.match(pair.view.split(b"\n", 1)[0]), pair.view[:200]
        requests = parse_requests(pair.view)
        assert 1 <= len(requests) <= 3, pair.view[:300]
        assert all(request.method for request in requests), pair.view[:300]
        assert all(request.header("host") for request in requests), pair.view[:300]


def test_requests_vary_in_shape(attacks: list[Pair]) -> None:
    crlf = sum(b"HTTP/1.1\r\n" in pair.view for pair in attacks) / len(attacks)
    assert 0.15 < crlf < 0.5
    shapes = Counter(len(parse_requests(pair.view)) for pair in attacks)
    assert shapes[1] > shapes[2] > shapes[3] > 0
    methods = Counter(parse_requests(pair.view)[-1].method for pair in attacks)
    assert {"GET", "POST", "PUT"} <= set(methods)


def test_descriptions_are_prose_that_names_no_row(pairs: list[Pair]) -> None:
    for pair in pairs:
        caption = pair.caption or ""
        assert 40 < len(caption) < 600, caption
        assert caption.endswith("."), caption
        assert caption[0] == caption[0].upper(), caption
        assert "SAMPLE-" not in caption
        assert pair.id not in caption
        assert pair.id.encode() not in pair.view
        assert (pair.group or "").encode() not in pair.view
        assert not re.search(r"[«»¦]|\$\w+\b", caption), caption


@pytest.mark.parametrize("label", CLASSES)
def test_about_a_third_of_descriptions_do_not_name_the_class(label: str) -> None:
    captions = {pair.group: pair.caption or "" for pair in sample_pairs(n=500, seed=11, classes=[label])}
    named = sum(re.search(KEYWORDS[label], caption, re.IGNORECASE) is not None for caption in captions.values())
    assert 0.28 < 1 - named / len(captions) < 0.55
    others = [name for name in CLASSES if name not in (label, "info-exposure")]
    wrong = [text for text in captions.values() if any(re.search(KEYWORDS[name], text, re.I) for name in others)]
    assert len(wrong) <= 0.05 * len(captions), wrong[:3]


def _authorities(text: str) -> set[str]:
    found = re.findall(
        r"(?:://|^Host: |@)(?:[^\s/@\"'<>\\]{1,40}@)?([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])", text, re.MULTILINE
    )
    return {host.strip(".").lower() for host in found if "." in host.strip(".")}


def _is_reserved(host: str) -> bool:
    if host in RESERVED_NAMES | NAMESPACES | METADATA or RESERVED.search(host):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return re.search(r"\.(com|net|org|io|info|biz|ru|cn|de|uk|eu|gov|edu|xyz|me|co|sh|fr)$", host) is None
    return address.is_private or address.is_loopback or address.is_link_local or address.is_unspecified


def test_no_real_host_is_ever_named(pairs: list[Pair]) -> None:
    for pair in pairs:
        text = pair.view.decode("utf-8", "replace")
        real = [host for host in _authorities(text) if not _is_reserved(host)]
        assert not real, (real, pair.id)
        for name in re.findall(r"[a-z0-9.-]+\.(?:com|org|net)\b(?![\w.(-])", text.lower()):
            known = (*RESERVED_NAMES, *NAMESPACES, "com.microsoft", "phpinfo.com", "java.net", "tag:yaml.org")
            assert name.endswith(("example.com", "example.org", "example.net")) or any(
                name in identifier or identifier in name for identifier in known
            ), (name, pair.id)


@pytest.mark.parametrize("label", CLASSES)
def test_attack_values_are_many_and_drift(label: str) -> None:
    generator = rng(0, "test/values")
    values = [attack_values(label, generator) for _ in range(400)]
    assert all(values)
    assert len(set(values)) > (200 if label == "info-exposure" else 300)
    early = Counter(attack_values(label, rng(1, f"e/{i}"), year=2012)[:6] for i in range(600))
    late = Counter(attack_values(label, rng(1, f"e/{i}"), year=2024)[:6] for i in range(600))
    shared = sum((early & late).values()) / 600
    assert shared < 0.93


@pytest.mark.parametrize("place", sorted(FILLERS))
@pytest.mark.parametrize("label", ["xss", "deserialization", BENIGN])
def test_any_value_can_stand_at_any_place(place: str, label: str) -> None:
    generator = rng(2, f"test/{place}/{label}")
    for _ in range(15):
        value = attack_values(label, generator)
        view = wrap_in_request(value, generator, place=place)  # type: ignore[arg-type]
        assert parse_requests(view)
        assert b"\xee\x80\x80" not in view


def test_a_wrapped_value_survives_undecoded_or_decoded() -> None:
    from urllib.parse import unquote_plus

    generator, kept = rng(3, "test/wrap"), 0
    for _ in range(300):
        view = wrap_in_request("zq'<x>zq", generator, place="query").decode()
        kept += "zq'<x>zq" in view or "zq'<x>zq" in unquote_plus(view) or "zq'<x>zq" in unquote_plus(unquote_plus(view))
    assert kept == 300


def test_marker_habits_are_a_minority(attacks: list[Pair]) -> None:
    def share(label: str, pattern: bytes) -> float:
        views = [pair.view for pair in attacks if pair.label == label]
        return sum(re.search(pattern, view, re.I) is not None for view in views) / len(views)

    assert 0.05 < share("xss", rb"alert|document\.domain") < 0.6
    assert 0.05 < share("path-traversal", rb"etc(/|%2f)+passwd|win\.ini") < 0.5
    assert 0.05 < share("sql-injection", rb"sleep|waitfor|benchmark") < 0.5


@pytest.mark.parametrize(
    "arguments", [{"n": -1}, {"classes": ["nonsense"]}, {"classes": ["xss", "xss"]}, {"classes": []}]
)
def test_bad_wishes_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(InputError):
        sample_pairs(**{"n": 1, "seed": 0, **arguments})  # type: ignore[arg-type]


@pytest.mark.parametrize("years", [(2011, 2020), (2015, 2014), (2020, 2025)])
def test_years_outside_the_habits_are_refused(years: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="sample years"):
        sample_pairs(n=1, seed=0, years=years)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_outside_the_unit_interval_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="benign_fraction"):
        sample_pairs(n=1, seed=0, benign_fraction=share)


def test_an_unknown_class_has_no_values() -> None:
    with pytest.raises(InputError, match="no sample grammar"):
        attack_values("nonsense", np.random.default_rng(0))


@pytest.mark.parametrize("label", [*CLASSES, BENIGN])
def test_every_rule_expands_in_every_year(label: str) -> None:
    grammar = class_grammar(label).rules
    generator = np.random.default_rng(0)
    for rule in grammar.names():
        for year in (2012, 2018, 2024):
            text = grammar.expand(rule, generator, year=year)
            assert not re.search("[«»¦]", text), (rule, text)
            to_bytes(text)


def test_the_engine_refuses_a_broken_rule() -> None:
    with pytest.raises(ValueError, match="not defined"):
        Grammar("a := «nowhere»")
    with pytest.raises(ValueError, match="not closed"):
        Grammar("a := «int")
    with pytest.raises(ValueError, match="cannot read"):
        Grammar("a := «int|»")


def test_the_engine_binds_repeats_filters_and_gates() -> None:
    grammar = Grammar("a := «$x:b»-«$x» ¦ @2020 never\nb := «d*3-3»\nc := «d?0»«=q»|b64\ne := ab\nf := «e|b64»«e|hex»")
    generator = np.random.default_rng(1)
    assert re.fullmatch(r"(\d{3})-\1", grammar.expand("a", generator, year=2015))
    assert grammar.expand("c", generator) == "q|b64"
    assert grammar.expand("f", generator) == "YWI=6162"
    assert grammar.expand("a", generator, year=2015, bindings={"x": "y"}) == "y-y"

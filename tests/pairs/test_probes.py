"""Probes take away what they name and nothing else, on any bytes, the same every time, in linear time."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from request_cases import HOSTILE_MARKERS, HOSTILE_STRUCTURE, conversations, views

from threatclip.evaluation.shortcuts import SHORTCUT_PROBES
from threatclip.pairs.http import Request, parse_requests, render_requests
from threatclip.pairs.probes import PROBES, STRESS_PROBES, Probe, framed, request_values

steady = settings(deadline=None, max_examples=60)

ALL: dict[str, Probe] = {**PROBES, **STRESS_PROBES}
every_probe = pytest.mark.parametrize("name", ALL)


def test_the_shortcut_score_has_its_probes() -> None:
    assert set(SHORTCUT_PROBES) | {"endpoint_only"} == set(PROBES)
    assert not set(PROBES) & set(STRESS_PROBES)


@every_probe
@steady
@given(view=views)
@example(view=b"")
@example(view=b"\x00")
@example(view=b"GET /?" + b"&#" * 200 + b" HTTP/1.1")
def test_total_deterministic_and_bounded(name: str, view: bytes) -> None:
    probed = ALL[name](view)
    assert isinstance(probed, bytes)
    assert ALL[name](bytes(bytearray(view))) == probed
    assert len(probed) <= 6 * len(view) + 700


@dataclass(frozen=True)
class Told:
    """Requests, and the texts that stand in each of their places; no text of one place occurs in another."""

    requests: tuple[Request, ...]
    values: tuple[str, ...]

    @property
    def view(self) -> bytes:
        return render_requests(self.requests)


@st.composite
def told(draw: st.DrawFn) -> Told:
    """Requests whose values begin with VALUE; paths, names, hosts and standard headers are lower case."""
    numbers = iter(range(1000))
    values: list[str] = []
    requests = []

    def value() -> str:
        tail = draw(st.text("'\"<>();|%=/.+-$ ~é", max_size=6)).rstrip(" ")
        values.append(f"VALUE{next(numbers)}{tail}")
        return values[-1]

    def fields() -> str:
        return "&".join(f"name{next(numbers)}[x]={value()}" for _ in range(draw(st.integers(1, 3))))

    for _ in range(draw(st.integers(1, 3))):
        target = f"/path{next(numbers)}/path.php"
        if draw(st.booleans()):
            values.append(f"..%2fCLIMB{next(numbers)}/CLIMB")
            target += "/" + values[-1]
        if draw(st.booleans()):
            target += "?" + fields()
        headers = [("Host", f"host{next(numbers)}.test"), ("User-Agent", "agent"), ("Cookie", "cookie=crumb")]
        if draw(st.booleans()):
            headers.append(("X-Own", value()))
        body = draw(st.sampled_from(("", "form", "raw")))
        if body == "form":
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
            body = fields()
        elif body == "raw":
            headers.append(("Content-Type", "application/json"))
            body = f'{{"VALUE{next(numbers)}": [\n\n"VALUE"]}}'
            values.append(body)
        requests.append(Request(method="POST", target=target, version="HTTP/1.1", headers=tuple(headers), body=body))
    return Told(requests=tuple(requests), values=tuple(values))


@steady
@given(told())
def test_no_headers_keeps_method_target_and_body(case: Told) -> None:
    kept = parse_requests(PROBES["no_headers"](case.view))
    assert kept == tuple(replace(request, headers=(), version="") for request in case.requests)


@steady
@given(told())
def test_endpoint_only_holds_methods_and_paths(case: Told) -> None:
    lines = PROBES["endpoint_only"](case.view).decode("latin-1").split("\n\n")
    assert lines == [f"{request.method} {request.path}" for request in case.requests]
    shown = " ".join(lines)
    assert not re.search(r"VALUE|name|host|agent|crumb|HTTP|\?", shown)


@steady
@given(told())
def test_values_only_holds_the_values_and_nothing_else(case: Told) -> None:
    shown = PROBES["values_only"](case.view).decode("latin-1")
    assert Counter(shown.split("\n")) == Counter("\n".join(case.values).split("\n"))
    assert not re.search(r"path|name|host|agent|crumb|HTTP", shown)


@steady
@given(told())
def test_values_stay_the_same_without_headers(case: Told) -> None:
    own = tuple(
        replace(request, headers=tuple(header for header in request.headers if header[0] != "X-Own"))
        for request in case.requests
    )
    assert PROBES["values_only"](PROBES["no_headers"](case.view)) == PROBES["values_only"](render_requests(own))


@steady
@given(told())
def test_template_swap_keeps_the_values_and_changes_the_rest(case: Told) -> None:
    swapped = PROBES["template_swap"](case.view)
    (request,) = parse_requests(swapped)
    assert not re.search(rb"path|name\d|host\d|agent|crumb|cookie", swapped)
    short = [value for value in case.values if "\n" not in value]
    found = [value for value in request_values(request) if "\n" not in value]
    assert Counter(unescaped(value) for value in found) == Counter(unescaped(value) for value in short)
    assert all(value in request.body for value in case.values if "\n" in value)
    assert PROBES["values_only"](swapped).count(b"VALUE") == PROBES["values_only"](case.view).count(b"VALUE")


def unescaped(value: str) -> bytes:
    return unquote_to_bytes(value.encode("latin-1"))


@pytest.mark.parametrize(
    ("view", "values"),
    [
        ("GET /a/b.php HTTP/1.1", []),
        ("GET /a?flag&empty=&=x&b HTTP/1.1", ["x"]),
        ("GET /a?-s HTTP/1.1", ["-s"]),
        ("GET /a?-d+x%3dy HTTP/1.1", ["-d+x%3dy"]),
        ("GET /a?<img src=x onerror=y>&b=c HTTP/1.1", ["<img src=x onerror=y>", "c"]),
        ("GET /a?user[$ne]=1&x%5B0%5D=2 HTTP/1.1", ["user[$ne]=1", "2"]),
        ("GET /a/../../etc/x HTTP/1.1", ["../../etc/x"]),
        ("GET /a/%252e%252E%252f/etc/x HTTP/1.1", ["%252e%252E%252f/etc/x"]),
        ("GET //other.test/x HTTP/1.1", ["//other.test/x"]),
        ("GET /a;b=1/c/d'e/f HTTP/1.1", ["a;b=1/c/d'e"]),
        ("GET /a/<b>x</b>/c HTTP/1.1", ["<b>x</b>"]),
        ("GET /a/.env HTTP/1.1", [".env"]),
        ("GET http://h.test:80/a/b'?c=d HTTP/1.1", ["b'", "d"]),
        ("GET / HTTP/1.1\nCookie: a=b\nX-Api: ${x}\nHost: h", ["${x}"]),
        ("POST /a HTTP/1.1\n\na=1&b=2\n", ["1", "2"]),
        ("POST /a HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n\nid;ls", ["id;ls"]),
        ('POST /a HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n\n{"a":"="}', ['{"a":"="}']),
        ("POST /a HTTP/1.1\nContent-Type: text/plain\n\na=1", ["a=1"]),
        ("1' or '1'='1", ["1' or '1'='1"]),
        ("", []),
    ],
)
def test_what_counts_as_a_value(view: str, values: list[str]) -> None:
    assert [value for request in parse_requests(view.encode()) for value in request_values(request)] == values
    assert PROBES["values_only"](view.encode()) == "\n".join(values).encode()


def test_a_frame_without_values_and_with_raw_ones() -> None:
    draw = np.random.default_rng(0)
    (bare,) = parse_requests(framed([], draw))
    assert "?" not in bare.target
    assert bare.body == ""
    (full,) = parse_requests(framed(["a&b #c", "<x>", "two\nlines", "é"], draw))
    assert (full.method, full.body) == ("POST", "<x>\ntwo\nlines")
    assert [value for _, _, value in (piece.partition("=") for piece in full.query.split("&"))] == [
        "a%26b%20%23c",
        "%E9",
    ]


MARKERS = [
    ("<script>alert(document.domain)</script>", "<script>confirm(top.name)</script>"),
    ("' onfocus='ALERT (1)", "' onfocus='confirm (1)"),
    (";alert`1`;", ";confirm`1`;"),
    ("../../etc/passwd", "../../etc/hostname"),
    ("..\\..\\etc\\passwd", "..\\..\\etc\\hostname"),
    ("/etc/./passwd", "/etc/./hostname"),
    ("c:/windows//win.ini", "c:/boot.ini"),
    ("1' and sleep(7)-- -", "1' and BENCHMARK(7000000,SHA1(1))-- -"),
    ("1;SLEEP( 0.5 )", "1;BENCHMARK(0000000,SHA1(1) )"),
    ("union select md5(999)", "union select crc32(999)"),
    ("/wp-content/plugins/a/b.php", "/modules/extra/a/b.php"),
    ("/wp-content/uploads/", "/library/uploads/"),
    ("/wp-admin/admin-ajax.php", "/backend/async.php"),
    ("/wp-login.php /wp-admin/ /wp-json/ /wp-includes/", "/backend /backend/ /library/ /library/"),
    ("http://a1b2.x-listen.test/x", "http://attacker.test/x"),
    ("ping a-1.b_2.cb-one.testing", "ping attacker.testing"),
    ("//abc.pingback.test|//abc.oobnet.test", "//attacker.test|//attacker.test"),
    ("https://www.evil.com/ @oast.me xyz.oast.pro", "https://attacker.test/ @attacker.test attacker.test"),
    ("http://interact.sh http://a.burpcollaborator.net", "http://attacker.test http://attacker.test"),
    ("to=mail@www.example.com", "to=mail@attacker.test"),
    (";id;", ";whoami;"),
    ("x|id", "x|whoami"),
    ("`id`", "`whoami`"),
    ("8.8.8.8 && id", "8.8.8.8 && whoami"),
    ("$(id)", "$(whoami)"),
    ("system('id')", "system('whoami')"),
]
MORE_MARKERS = [
    ("cmd=id&x=1", "cmd=whoami&x=1"),
    ('{"command": "id"}', '{"command": "whoami"}'),
    ("document%2Edomain document_domain", "top%2Ename top_name"),
    ("etc%c0%afpasswd etc%25252fpasswd", "etc%c0%afhostname etc%25252fhostname"),
    ("x%3Calert%2528", "x%3Cconfirm%2528"),
    (r"\x3ealert(1) \u003ealert(1) a\nalert(1)", r"\x3econfirm(1) \u003econfirm(1) a\nconfirm(1)"),
    ("alert&lpar;1) (alert)(1) alert.call(0)", "confirm&lpar;1) (confirm)(1) confirm.call(0)"),
    ("%2F1.oobnet.test%2F %252F1%2eoobnet%2etest", "%2Fattacker.test%2F %252Fattacker.test"),
    ("WINDOWS%5cwin%2eini", "boot%2eini"),
    ("wp%2Dadmin wp-admin%2Fadmin-ajax%2ephp", "wp%2Dadmin backend%2Fasync%2ephp"),
    ("%7Cid%0a %0aid", "%7Cwhoami%0a %0awhoami"),
]
FALSE_FRIENDS = [
    *("alertness=1", "/alerts/list", "users_alert", "document.cookie", "etc/shadow", "passwd=1", "win.ini"),
    *("pg_sleep(1)", "sleep 5", "sleep(x)", "md5sum f", "x.md5", "wp=1", "wp-submit=Log+In", "toast.me"),
    *("evil.php", "example.common", "GET / HTTP/1.1\nHost: www.example.com\n", "xid;", ";idx;", "id=5", "?id&x"),
    *("select id from t", "order_by=id&x", "sort=ID", "count(id)", "&lt;id&gt;", "session;id=1", "x%alert(1)"),
]


@pytest.mark.parametrize(("before", "after"), MARKERS)
def test_a_marker_is_swapped_plain_and_percent_encoded(before: str, after: str) -> None:
    for _ in range(3):
        assert PROBES["marker_swap"](before.encode()).decode() == after
        before, after = quote(before, safe=""), quote(after, safe="")


@pytest.mark.parametrize(("before", "after"), [*MORE_MARKERS, *((same, same) for same in FALSE_FRIENDS)])
def test_further_markers_and_what_only_looks_like_one(before: str, after: str) -> None:
    assert PROBES["marker_swap"](before.encode()).decode() == after


_MARKER_WORDS = re.compile(
    rb"domain|alert|passwd|win|sleep|md5|wp-|test|oast|interact|burp|evil|example|id", re.IGNORECASE
)


@steady
@given(views)
def test_marker_swap_leaves_the_rest_byte_equal(view: bytes) -> None:
    swapped = PROBES["marker_swap"](view)
    assert PROBES["marker_swap"](swapped) == swapped
    assume(not _MARKER_WORDS.search(view))
    assert swapped == view


def tidied(view: bytes) -> bytes:
    """The view as any probe that parses it writes it back."""
    return render_requests(parse_requests(view))


@steady
@given(views)
def test_case_flip_flips_the_case_of_ascii_letters_only(view: bytes) -> None:
    flipped = STRESS_PROBES["case_flip"](view)
    assert flipped.lower() == tidied(view).lower()  # bytes.lower is ASCII's


@steady
@given(told())
def test_case_flip_flips_values_only(case: Told) -> None:
    flipped = STRESS_PROBES["case_flip"](case.view)
    for word in (rb"path\d", rb"name\d", rb"host\d", rb"crumb", rb"HTTP/1.1"):
        assert len(re.findall(word, flipped)) == len(re.findall(word, case.view))


def test_case_flip_does_flip() -> None:
    flipped = STRESS_PROBES["case_flip"](b"GET /page?name=" + b"select" * 50 + b" HTTP/1.1")
    assert flipped.startswith(b"GET /page?name=")
    assert 100 < sum(97 > byte >= 65 for byte in flipped) < 210


def pieces(text: str) -> Counter[str]:
    return Counter(text.split("&"))


@steady
@given(st.one_of(told().map(lambda case: case.requests), conversations))
def test_parameter_order_keeps_the_multiset_of_parameters(requests: tuple[Request, ...]) -> None:
    shuffled = parse_requests(STRESS_PROBES["parameter_order"](render_requests(requests)))
    for one, other in zip(requests, shuffled, strict=True):
        assert pieces(one.query) == pieces(other.query)
        assert (one.path, one.method, one.headers) == (other.path, other.method, other.headers)
        assert one.body == other.body or pieces(one.body) == pieces(other.body)


def test_parameter_order_shuffles_and_keeps_the_end_of_the_line() -> None:
    fields = b"&".join(b"n%d=%d" % (n, n) for n in range(30))
    view = b"POST /x?" + fields + b" HTTP/1.1\n\n" + fields + b"\n"
    shuffled = STRESS_PROBES["parameter_order"](view)
    assert shuffled != view
    assert shuffled.endswith(b"\n")
    assert sorted(shuffled) == sorted(view)


@steady
@given(told())
def test_double_encoding_is_undone_by_one_more_round_of_decoding(case: Told) -> None:
    encoded = parse_requests(STRESS_PROBES["double_encode"](case.view))
    for one, other in zip(case.requests, encoded, strict=True):
        assert other.target == one.target.replace("%", "%25")
        assert other.body == (one.body if one.body.startswith("{") else one.body.replace("%", "%25"))
        assert other.headers == one.headers
    assert STRESS_PROBES["double_encode"](b"%27 or 1") == b"%2527 or 1"


@steady
@given(told())
def test_sql_comments_stand_for_every_blank_of_a_value(case: Told) -> None:
    commented = parse_requests(STRESS_PROBES["sql_comments"](case.view))
    for one, other in zip(case.requests, commented, strict=True):
        assert not re.search(r"\+|%20|\S \S", other.query)
        assert re.sub(r"/\*\*/", "", other.query) == re.sub(r"\+|%20|(?<=\S) (?=\S)", "", one.query)
        assert (other.path, other.headers) == (one.path, one.headers)
    assert (
        STRESS_PROBES["sql_comments"](b"GET /a b?x=1+or%201 = 1 HTTP/1.1")
        == b"GET /a b?x=1/**/or/**/1/**/=/**/1 HTTP/1.1"
    )


@steady
@given(st.one_of(views, told().map(lambda case: case.view)))
def test_dilution_adds_two_hundred_harmless_characters_at_either_end(view: bytes) -> None:
    diluted = STRESS_PROBES["dilution"](view)
    first, _, rest = diluted.partition(b"\n\n")
    middle, last = rest[: len(view)], rest[len(view) :]
    assert middle == view
    for added in (first, last.strip()):
        assert re.fullmatch(rb"GET /[a-z]+\?[a-z=&]+ HTTP/1\.1", added)
        assert 180 <= len(added) <= 220


@steady
@given(told())
def test_a_diluted_request_is_still_the_same_request(case: Told) -> None:
    assert parse_requests(STRESS_PROBES["dilution"](case.view))[1:-1] == case.requests


@steady
@given(told())
def test_host_change_changes_the_host_header_only(case: Told) -> None:
    for _ in range(2):  # also where the host already is one of ours
        changed = parse_requests(STRESS_PROBES["host_change"](case.view))
        for one, other in zip(case.requests, changed, strict=True):
            assert one.header("host") != other.header("host")
            assert replace(other, headers=(one.headers[0], *other.headers[1:])) == one
        case = replace(case, requests=changed)


@every_probe
@pytest.mark.parametrize("structure", ["request lines", "folded headers", "climbs", "parameters", "flags", "form"])
def test_a_hostile_megabyte_takes_linear_time(name: str, structure: str) -> None:
    view = HOSTILE_STRUCTURE[structure]
    began = time.process_time()
    assert len(ALL[name](view)) <= 6 * len(view) + 700
    assert time.process_time() - began < 15  # seconds; half a second measured, quadratic time would take hours


@pytest.mark.parametrize("unit", HOSTILE_MARKERS)
def test_markers_are_searched_in_linear_time(unit: str) -> None:
    view = HOSTILE_MARKERS[unit]
    began = time.process_time()
    assert len(PROBES["marker_swap"](view)) <= 6 * len(view)
    assert time.process_time() - began < 15  # seconds; half a second measured, quadratic time would take hours


@pytest.mark.data
def test_what_the_probes_cost_the_bar_on_the_real_payloads(data_dir: Path) -> None:
    """Word TF-IDF + LinearSVC on the temporal split: 54.6 macro-F1 on full views, less under every probe."""
    from sklearn.metrics import f1_score

    from threatclip.classification.linear import LinearSettings
    from threatclip.classification.ngrams import WORD_NGRAMS, fit_ngrams
    from threatclip.seeds import rng

    with gzip.open(data_dir / "payloads" / "nuclei_cve_payloads.jsonl.gz") as lines:
        rows = {row["id"]: row for row in map(json.loads, lines)}
    with gzip.open(data_dir / "splits" / "payload_splits.json.gz") as handle:
        split = json.load(handle)["temporal"]
    train, test = ([rows[i] for i in ids if i in rows] for ids in (split["train"] + split["val"], split["test"]))
    assert (len(train), len(test)) == (2120, 958)
    classes = sorted({row["threat_class"] for row in train})
    shown, judged = (["\n\n".join(row["requests"]).encode() for row in part] for part in (train, test))
    labels, expected = (np.array([classes.index(row["threat_class"]) for row in part]) for part in (train, test))
    svc = LinearSettings(kind="svc")
    model = fit_ngrams(shown, labels, n_classes=len(classes), settings=WORD_NGRAMS, linear=svc, rng=rng(0, "probes"))
    found = {
        name: f1_score(expected, model.scores([probe(view) for view in judged]).argmax(axis=1), average="macro")
        for name, probe in PROBES.items()
    }
    bar = {
        "no_headers": 0.514,
        "endpoint_only": 0.172,
        "values_only": 0.493,
        "template_swap": 0.465,
        "marker_swap": 0.509,
    }
    assert found == pytest.approx(bar, abs=0.02)


@pytest.mark.data
def test_hardly_a_real_exploit_keeps_its_markers(data_dir: Path) -> None:
    """alert or document.domain stand in more than nine of ten exploits of cross-site scripting."""
    with gzip.open(data_dir / "payloads" / "nuclei_cve_payloads.jsonl.gz") as lines:
        rows = [row for row in map(json.loads, lines) if row["threat_class"] == "xss"]
    exploits = ["\n\n".join(row["requests"]).encode() for row in rows]
    marker = re.compile(rb"(?i)alert|document(?:\.|%2e)domain")
    share_before = sum(bool(marker.search(view)) for view in exploits) / len(exploits)
    share_after = sum(bool(marker.search(PROBES["marker_swap"](view))) for view in exploits) / len(exploits)
    assert share_before > 0.9
    assert share_after < 0.02  # names such as users_alerts are no markers

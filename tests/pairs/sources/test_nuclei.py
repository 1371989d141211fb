from __future__ import annotations

import base64
import gzip
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources import Nuclei
from threatclip.pairs.sources.nuclei import REQUEST_LIMIT
from threatclip.pairs.sources.placeholders import Placeholders
from threatclip.pairs.sources.rows import SkippedRow
from threatclip.seeds import rng

TEMPLATE = """
id: CVE-2021-99999
info:
  name: Widget Shop - SQL Injection
  author: someone
  severity: high
  description: |
    Widget Shop lets a visitor change a query.
  classification:
    cve-id: CVE-2021-99999
    cwe-id: CWE-20,CWE-89
  metadata:
    vendor: widgets
    product: shop
  tags: cve,sqli,widgets
variables:
  num: "{{rand_int(100, 999)}}"
  word: "{{to_lower(rand_text_alpha(5))}}"
http:
  - raw:
      - |
        @timeout: 20s
        POST /login HTTP/1.1
        Host: {{Hostname}}
        Authorization: Basic {{base64(username + ':' + password)}}

        q={{num}}&again={{num}}&w={{word}}
  - method: GET
    path:
      - "{{BaseURL}}"
      - "{{BaseURL}}/a?x=0123&cb=http://{{interactsh-url}}&p={{path}}&n={{unheard_of}}"
    headers:
      X-Flag: yes
    payloads:
      path:
        - /etc/passwd
        - /etc/hosts
    body: |
      line
"""


def read_one(tmp_path: Path, text: str) -> Pair | BadRow | SkippedRow:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    (row,) = Nuclei().read(path)
    return row


def test_a_template_is_rendered_by_the_rule(tmp_path: Path) -> None:
    pair = read_one(tmp_path, TEMPLATE)
    assert isinstance(pair, Pair)
    first, body, second, third = pair.view.decode().split("\n\n", 1)[0], *pair.view.decode().split("\n\n")[1:4]
    lines = first.split("\n")
    host = lines[1].removeprefix("Host: ")
    user, password = base64.b64decode(lines[2].removeprefix("Authorization: Basic ")).decode().split(":", 1)
    assert lines[0] == "POST /login HTTP/1.1"
    assert user
    assert password
    fields = dict(field.split("=") for field in body.split("&"))
    assert fields["q"] == fields["again"]
    assert fields["q"].isdigit()
    assert fields["w"].islower()
    assert second == f"GET / HTTP/1.1\nHost: {host}\nX-Flag: yes"
    assert third == "line"
    last = pair.view.decode().split("\n\n")[4]
    assert last.startswith("GET /a?x=0123&cb=http://")
    assert ".test&p=/etc/passwd&n=" in last
    assert b"{{" not in pair.view


def test_the_facts_of_a_template_reach_their_fields_and_its_leaks_reach_none(tmp_path: Path) -> None:
    pair = read_one(tmp_path, TEMPLATE)
    assert isinstance(pair, Pair)
    assert pair.id == pair.group == "CVE-2021-99999"
    assert pair.caption == "Widget Shop lets a visitor change a query."
    assert pair.label == "sql-injection"
    assert pair.time == datetime(2021, 1, 1, tzinfo=UTC)
    assert pair.meta == {
        "source": "nuclei",
        "cve": "CVE-2021-99999",
        "cwe": "CWE-20 CWE-89",
        "tags": "cve,sqli,widgets",
        "vendor": "widgets",
        "product": "shop",
        "kind": "http",
    }
    for leak in (b"sqli", b"CVE-", b"someone", b"SQL Injection"):
        assert leak not in pair.view


def test_rendering_depends_on_the_template_id_only(tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    assert read_one(tmp_path, TEMPLATE) == read_one(again, TEMPLATE)
    other = read_one(tmp_path, TEMPLATE.replace("id: CVE-2021-99999", "id: other", 1))
    assert isinstance(other, Pair)
    assert other.view != read_one(again, TEMPLATE).view  # type: ignore[union-attr]


def test_the_legacy_key_and_a_folder_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old.yaml").write_text(TEMPLATE.replace("http:\n  - raw", "requests:\n  - raw"))
    (tmp_path / "dns.yml").write_text("id: dns-one\ninfo: {name: x}\ndns: [{name: x}]\n")
    (tmp_path / "workflow.yaml").write_text("workflows: []\n")
    (tmp_path / "broken.yaml").write_text("id: [")
    (tmp_path / "empty.yaml").write_text("")
    (tmp_path / "notes.txt").write_text("no yaml")
    (tmp_path / "twice.yaml").write_text(TEMPLATE)
    rows = {Path(row.path).name: row for row in Nuclei().read(tmp_path) if not isinstance(row, Pair)}
    assert isinstance(rows["dns.yml"], SkippedRow)
    assert rows["dns.yml"].reason == "no HTTP request"
    assert isinstance(rows["workflow.yaml"], SkippedRow)
    assert isinstance(rows["broken.yaml"], BadRow)
    assert rows["broken.yaml"].reason.startswith("not YAML")
    assert rows["empty.yaml"].reason.endswith("is empty")
    assert rows["twice.yaml"].reason == "the id 'CVE-2021-99999' occurs twice"
    assert len(rows) == 5


def test_a_folder_without_yaml_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no \.yaml file"):
        list(Nuclei().read(tmp_path))


def test_a_damaged_gzip_is_a_bad_row_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(gzip.compress(TEMPLATE.encode(), mtime=0)[:-9])
    (tmp_path / "b.yaml").write_text(TEMPLATE)
    broken, whole = Nuclei().read(tmp_path)
    assert isinstance(broken, BadRow)
    assert "no whole gzip" in broken.reason
    assert isinstance(whole, Pair)


def test_a_long_request_is_cut(tmp_path: Path) -> None:
    pair = read_one(tmp_path, TEMPLATE.replace("line\n", "x" * 20_000 + "\n"))
    assert isinstance(pair, Pair)
    assert max(map(len, pair.view.split(b"\n\n"))) <= REQUEST_LIMIT


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("http:", "http: {x: 1}\nrest:"), "http is not a list"),
        (("http:", "http: [1]\nrest:"), "an http block is not a mapping"),
        (("id: CVE-2021-99999", "id: [x]"), "the id is not text"),
        (("tags: cve", "tags: &a cve\n  more: *a\n  rest: x"), "YAML aliases are not read"),
        (("tags:", "? [complex]\n  : x\n  tags:"), "a YAML mapping key is not a scalar"),
        (("tags:", "deep: " + "[" * 100 + "]" * 100 + "\n  tags:"), "nested deeper than"),
        (("\nid:", "\n---\na: b\n---\nid:"), "more than one YAML document"),
        (("tags:", "tags: " + "x" * 2**22), "larger than"),
        (("tags:", "\ttags:"), "not YAML"),
        (("tags:", "\x01tags:"), "not YAML"),
    ],
)
def test_a_broken_template_is_a_bad_row(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    row = read_one(tmp_path, TEMPLATE.replace(*change, 1))
    assert isinstance(row, BadRow)
    assert reason in row.reason


@pytest.mark.parametrize("text", ["[" * 300_000, "- " * 300_000, "{a: " * 300_000, "a: &x [*x]"])
def test_hostile_nesting_does_not_reach_the_recursive_composer(tmp_path: Path, text: str) -> None:
    assert isinstance(read_one(tmp_path, text), BadRow)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text("{}()'\"\\+,. randstrbase64Hostnmxw_:-[]\n1%", max_size=60))
def test_no_placeholder_is_ever_left_and_nothing_is_raised(tmp_path: Path, text: str) -> None:
    row = read_one(tmp_path, yaml.safe_dump({"id": "x", "info": {}, "http": [{"raw": ["GET / HTTP/1.1\n\n" + text]}]}))
    assert isinstance(row, Pair)
    view = row.view.decode()
    assert "{{" not in view or "}}" not in view[view.index("{{") :]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(min_codepoint=32, max_codepoint=126)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=4,
    ),
    field=st.sampled_from(
        ["id", "info", "http", "requests", "variables", "raw", "path", "headers", "body", "payloads", "method"]
    ),
)
def test_any_value_in_any_key_is_a_row_not_an_exception(tmp_path: Path, value: object, field: str) -> None:
    block: dict[str, object] = {"method": "GET", "path": ["{{BaseURL}}/{{p}}"]}
    template: dict[str, object] = {"id": "x", "info": {"description": "d"}, "http": [block]}
    (block if field in ("raw", "path", "headers", "body", "payloads", "method") else template)[field] = value
    assert isinstance(read_one(tmp_path, yaml.safe_dump(template)), Pair | BadRow | SkippedRow)


@pytest.mark.parametrize(
    ("expression", "want"),
    [
        ("base64('a:b')", "YTpi"),
        ("base64_decode('YTpi')", "a:b"),
        ("url_encode('a b/')", "a+b%2F"),
        ("url_decode('%41+b')", "A b"),
        ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("sha1('a')", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("hex_encode('ab')", "6162"),
        ("hex_decode('6162')", "ab"),
        ('to_upper("ab") + "c"', "ABc"),
        ("concat('a', 'b', repeat('c', 3))", "abccc"),
        ("replace('a.b', '.', '-')", "a-b"),
        ("len('abc')", "3"),
        ("reverse('abc')", "cba"),
        ("substr('abcdef', 1, 3)", "bc"),
        ("trim_prefix('abc', 'a')", "bc"),
        ("join('-', 'a', 'b')", "a-b"),
        ("dec_to_hex('255')", "ff"),
        ("'q\\'\\x41\\n'", "q'A\n"),
        ("concat(greeting, '!')", "hello!"),
        ("html_escape('<')", "&lt;"),
        ("to_string(12)", "12"),
    ],
)
def test_simple_helpers_are_evaluated(expression: str, want: str) -> None:
    assert Placeholders({"greeting": "hello"}, rng(0, "x")).fill("{{" + expression + "}}") == want.encode()


@pytest.mark.parametrize(
    "expression",
    [
        "generate_java_gadget('dns', 'x', 'base64')",
        "7*7",
        "repeat('a', 99999999999)",
        "rand_base(99999999)",
        "replace(repeat('a', 60000), 'a', repeat('b', 60000))",
        "replace('abc', '', 'x')",
        "base64()",
        "base64('a', 'b', 'c')",
        "hex_decode('xyz')",
        "concat('a'",
        "'open",
        "(((((((((((((((((((((((((((((('a'",
        "concat(" * 200 + "'a'" + ")" * 200,
        "loop",
        "rand_int(9, 1)",
        "",
    ],
)
def test_what_is_not_simple_becomes_a_few_random_characters(expression: str) -> None:
    filled = Placeholders({"loop": "{{loop}}"}, rng(0, "x")).fill("{{" + expression + "}}").decode()
    assert filled.isalnum()
    assert 6 <= len(filled) <= 10


def test_random_helpers_stay_in_their_ranges() -> None:
    fill = Placeholders({}, rng(0, "x")).fill
    assert 5 <= int(fill("{{rand_int(5, 9)}}")) <= 9
    assert set(fill("{{rand_base(30, 'ab')}}")) <= set(b"ab")
    assert fill("{{rand_text_numeric(12)}}").isdigit()
    assert len(fill("{{rand_text_alphanumeric(7)}}")) == 7
    assert fill("{{rand_char('z')}}") == b"z"
    assert fill("{{public_ip()}}").startswith(b"198.51.100.")
    assert fill("{{unix_time()}}").isdigit()
    assert fill("{{Hostname}") == fill("{{Hostname}}")
    assert fill("{{RootURL}}") == b"http://" + fill("{{Hostname}}")
    assert fill("{{base64('{{user_email}}')}}") == base64.b64encode(fill("{{user_email}}"))


def test_rendered_json_lines_are_read(tmp_path: Path) -> None:
    row = {
        "id": "CVE-2022-11111",
        "requests": ["GET /a HTTP/1.1", "GET /b HTTP/1.1\n\nbody"],
        "description": " words ",
        "threat_class": "ssrf",
        "cwe_all": ["CWE-918"],
        "cve_id": "CVE-2022-11111",
        "year": 2022,
        "vendor": "widgets",
        "product": "",
        "kind": "http",
        "tags": ["ssrf"],
        "name": "leak",
    }
    lines = [
        row,
        {"id": "b", "requests": [], "description": ""},
        {"id": "c", "requests": "GET /"},
        {"id": "d", "requests": ["GET /"], "cwe_id": "CWE-79"},
        {"requests": ["GET /"]},
    ]
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    pair, none, bad, bare, nameless = Nuclei().read(path)
    assert pair == Pair(
        id="CVE-2022-11111",
        view=b"GET /a HTTP/1.1\n\nGET /b HTTP/1.1\n\nbody",
        caption="words",
        label="ssrf",
        group="CVE-2022-11111",
        time=datetime(2022, 1, 1, tzinfo=UTC),
        meta={
            "source": "nuclei",
            "cve": "CVE-2022-11111",
            "cwe": "CWE-918",
            "tags": "ssrf",
            "vendor": "widgets",
            "kind": "http",
        },
    )
    assert isinstance(none, SkippedRow)
    assert isinstance(bad, BadRow)
    assert isinstance(bare, Pair)
    assert (bare.label, bare.group, bare.caption, bare.time) == ("xss", "d", None, None)
    assert isinstance(nameless, BadRow)


@pytest.mark.data
def test_the_real_payloads_are_read_whole(data_dir: Path) -> None:
    rows = list(Nuclei().read(data_dir / "payloads" / "nuclei_cve_payloads.jsonl.gz"))
    assert len(rows) == 3448
    assert all(isinstance(row, Pair) and row.group == row.meta["cve"] for row in rows)

"""Each flow clicked through in real Chromium, with hostile content: nothing runs, nothing leaks, all of it works."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hostile_runs import HOSTILE, SCRIPT, write_steps
from tabs import Tab

from pair_cases import picture_pairs
from threatclip.experiments.auditing.reviews import FILE
from threatclip.pairs.table import PairTable

pytestmark = pytest.mark.enable_socket
ATTACK = f"GET /?id=1 UNION SELECT password {HOSTILE}"


def submit(tab: Tab, *, run: str = "payloads", text: str = "", file: dict[str, object] | None = None) -> None:
    """Fill the form of triage in and send it."""
    page = tab.open("/triage")
    page.select_option("select[name=run]", run)
    page.fill("#text", text)
    if file is not None:
        page.set_input_files("input[type=file]", file)
    page.click("button[type=submit]")


def test_a_payload_is_answered_with_what_carried_it(tab: Tab) -> None:
    submit(tab, text=ATTACK)
    page = tab.page
    assert page.locator("h1").inner_text() == f"SQL injection {SCRIPT}"
    marked = page.locator("pre.payload mark.for-4").all_inner_texts()
    assert [text.strip() for text in marked] == ["UNION"]
    assert "‹U+202E›gnp.exe" in page.locator("pre.payload").first.inner_text()
    assert HOSTILE.split()[0] in page.locator(".case p").first.inner_text()
    with page.expect_download() as download:
        page.click("a.button:has-text('JSON')")
    told = json.loads(Path(download.value.path()).read_text())
    assert told["answers"][0]["answers"][0]["label"] == "sqli"


def test_a_megabyte_on_one_line_is_cut_for_the_eye(tab: Tab) -> None:
    submit(tab, text="A" * (2**20 - 40) + " UNION SELECT ")
    assert "more bytes are not shown" in tab.page.content()
    assert tab.page.locator("pre.payload").first.inner_text().count("A") < 7000


def test_a_file_of_alerts_becomes_a_table_and_its_rows_open(tab: Tab) -> None:
    alerts = [
        {"event_type": "alert", "flow_id": 7, "payload_printable": text, "alert": {"signature": HOSTILE}}
        for text in (ATTACK, HOSTILE, "GET / HTTP/1.1")
    ]
    lines = "".join(json.dumps(alert) + "\n" for alert in alerts) + "{broken\n"
    submit(tab, file={"name": f"{SCRIPT}.json", "mimeType": "text/html", "buffer": lines.encode()})
    page = tab.page
    assert page.locator("table.rows tbody tr").count() == 3
    assert page.locator("tr.unknown").count() == 2
    assert page.locator("details.faults").count() == 1
    page.click("table.rows tbody tr:first-child a")
    assert page.locator("h1").inner_text() == f"SQL injection {SCRIPT}"
    page.click("a[rel=next]")
    assert page.locator("h1").inner_text() == "Don't know"


def test_a_post_shows_its_picture(tab: Tab) -> None:
    picture = picture_pairs(1)[0].view
    submit(tab, run="posts", text=ATTACK, file={"name": "a.png", "mimeType": "image/png", "buffer": picture})
    shown = tab.page.locator("img.post")
    assert shown.evaluate("async image => { await image.decode(); return image.naturalWidth }") == 16
    assert tab.page.locator("mark.for-4").count() == 1


def test_a_broken_picture_is_told_of(tab: Tab) -> None:
    broken = picture_pairs(1)[0].view[:50]
    submit(tab, run="posts", text="words", file={"name": "a.png", "mimeType": "image/png", "buffer": broken})
    assert "nothing in it can be looked at" in tab.page.locator("[role=alert]").inner_text()
    tab.troubles[:] = [one for one in tab.troubles if "status of 422" not in one]


def test_suspects_are_kept_and_dropped_and_the_table_follows(tab: Tab, hostile_runs: Path) -> None:
    (hostile_runs / "audits" / "scraped" / FILE).unlink(missing_ok=True)
    page = tab.open("/audits")
    page.click("table.rows a")
    assert page.locator(".queue li").count() == 7  # six of thirty, and the broken picture
    assert "broken picture" in page.locator(".broken").inner_text()
    by_key = page.locator("[data-slider]:enabled").count() == 1
    for key, button in (("d", "Drop"), ("k", "Keep")):
        with page.expect_navigation():
            page.keyboard.press(key) if by_key else page.click(f"button:has-text('{button}')")
    assert page.locator(".tabs a").all_inner_texts() == ["undecided 5", "kept 1", "dropped 1", "all 7"]
    page.click(".tabs a:has-text('kept')")
    assert (
        page.locator(".pair img").first.evaluate("async image => { await image.decode(); return image.naturalWidth }")
        == 16
    )
    with page.expect_download() as download:
        page.click("button:has-text('Cleaned table')")
    assert len(PairTable.open(download.value.path())) == 30 - 6
    page.click("button:has-text('Take back')")
    assert page.locator(".tabs a").all_inner_texts()[:2] == ["undecided 6", "kept 0"]


def test_a_threshold_moves_the_queue(tab: Tab) -> None:
    page = tab.open("/audits")
    page.click("table.rows a")
    page.fill("[data-number]", "-1e9")
    page.click("button:has-text('Apply')")
    page.wait_for_url("**threshold=-1e9*")  # the page before it has a slider, too
    assert page.locator(".tabs a").last.inner_text() == "all 30"
    slider = page.locator("[data-slider]")
    if slider.is_enabled():
        slider.focus()
        page.keyboard.press("End")
        most = float(slider.get_attribute("max") or "nan")
        for _ in range(100):  # the event comes with the next frame
            if float(page.input_value("[data-number]")) == pytest.approx(most, rel=1e-4):
                break
            page.wait_for_timeout(50)
        assert float(page.input_value("[data-number]")) == pytest.approx(most, rel=1e-4)
        assert "Apply to see them" in page.locator("output").inner_text()


def test_models_trainings_and_matrices_are_shown(tab: Tab, hostile_runs: Path) -> None:
    page = tab.open("/models")
    page.click("a:has-text('payloads')")
    assert HOSTILE.split()[0] in page.locator(".card").inner_text()
    page.go_back()
    page.click("a:has-text('matrix')")
    assert page.locator("h1").inner_text() == "Made up"
    assert page.locator("table.rows tbody tr").count() > 4
    page.click("a:has-text('Whole report')")
    assert page.locator("svg").count() > 0


def test_curves_of_a_training_move_by_themselves(tab: Tab, hostile_runs: Path) -> None:
    write_steps(hostile_runs / "going", 30)
    page = tab.open("/models")
    page.click("a:has-text('going')")
    assert page.locator(".live td.n").first.inner_text() == "30"
    write_steps(hostile_runs / "going", 60)
    page.wait_for_selector(".live td.n:text-is('60')")


def test_the_browser_sends_no_form_of_another_page(tab: Tab, address: str) -> None:
    form = f'<form method=post action="{address}/triage"><button>go</button></form>'
    tab.page.goto("data:text/html," + form)
    tab.page.click("button")
    assert "another site's page" in tab.page.content()
    tab.troubles.clear()


def test_a_picture_is_encoded_anew(tab: Tab) -> None:
    from PIL import Image

    content = io.BytesIO()
    with Image.new("RGB", (8, 8)) as image:
        image.save(content, "PNG", pnginfo=None)
    hidden = content.getvalue() + SCRIPT.encode()
    submit(tab, run="posts", text="UNION", file={"name": "a.png", "mimeType": "image/png", "buffer": hidden})
    answer = tab.page.request.get(tab.page.locator("img.post").get_attribute("src"))
    assert answer.headers["content-type"] == "image/png"
    assert SCRIPT.encode() not in answer.body()

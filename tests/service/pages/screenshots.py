"""Take the screenshots of docs/page.md, in the light and in the dark, of generated samples: `make screenshots`."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import torch
import uvicorn
from playwright.sync_api import sync_playwright
from sample_runs import make_runs

from threatclip.service.app import create_app
from threatclip.service.server import config_of, listening
from threatclip.service.settings import Settings

SIZE = {"width": 1280, "height": 860}
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
REQUEST = """GET /catalog/item.php?id=12%27%20UNION%20SELECT%20name,secret%20FROM%20accounts--%20- HTTP/1.1
Host: shop.example
User-Agent: Mozilla/5.0 (X11; Linux x86_64)
Accept: text/html
"""


@contextmanager
def served(runs: Path) -> Iterator[str]:
    """Serve a folder of runs while the pictures are taken."""
    settings = Settings(runs=runs, jobs=runs.parent / "jobs")
    with closing(listening("127.0.0.1", 0)) as sock:
        server = uvicorn.Server(config_of(create_app(settings), settings))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def take(page: Any, out: Path, scheme: str) -> None:
    """Walk through the pages and take each."""

    def shot(name: str) -> None:
        page.screenshot(path=out / f"{name}-{scheme}.png")

    page.goto("/triage")
    page.select_option("select[name=run]", "payload-weakness")
    page.fill("#text", REQUEST)
    shot("triage")
    page.click("button[type=submit]")
    shot("answer")
    page.goto("/audits")
    page.click("table.rows a")
    page.click(".queue li:nth-child(3) a")
    page.wait_for_function("() => [...document.images].every((one) => one.complete)")
    page.evaluate("() => window.scrollTo(0, 0)")
    shot("review")
    page.goto("/models")
    shot("models")
    page.click("a:has-text('payload-weakness')")
    shot("model")


def main(out: Path) -> None:
    """Train on samples, serve, and take all pictures."""
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(make_runs(Path(folder))) as address,
        sync_playwright() as player,
    ):
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for scheme in ("light", "dark"):
            context = browser.new_context(base_url=address, color_scheme=scheme, viewport=SIZE)
            context.set_default_timeout(300_000)
            take(context.new_page(), out, scheme)
            context.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The service over hostile runs: for a client in this process, and for a real browser on this machine."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hostile_runs import load_ruled, make_hostile_runs
from starlette.testclient import TestClient
from tabs import Tab

from threatclip.service.app import create_app
from threatclip.service.server import config_of, listening
from threatclip.service.settings import Settings

HOST = "http://127.0.0.1"
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
_TIMEOUT_MS = 60_000
_TELL_VIOLATIONS = """document.addEventListener(
    'securitypolicyviolation', event => console.error('policy', event.violatedDirective, event.blockedURI))"""


@pytest.fixture(scope="session")
def hostile_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of runs; tests share it and its decisions."""
    return make_hostile_runs(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def page_settings(hostile_runs: Path) -> Settings:
    return Settings(runs=hostile_runs, jobs=hostile_runs.parent / "jobs")


@pytest.fixture(scope="module", autouse=True)
def ruled() -> Iterator[None]:
    """Let every run of a module answer by rule; other modules on this worker have real ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("threatclip.service.models.load_classifier", load_ruled)
        yield


@pytest.fixture
def pages(page_settings: Settings) -> Iterator[TestClient]:
    """A client in this process."""
    with TestClient(create_app(page_settings), base_url=HOST) as client:
        yield client


@pytest.fixture(scope="module")
def address(page_settings: Settings) -> Iterator[str]:
    """Where the service listens for a browser."""
    with closing(listening("127.0.0.1", 0)) as sock:
        server = uvicorn.Server(config_of(create_app(page_settings), page_settings))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        until = time.monotonic() + 60
        while not server.started and time.monotonic() < until:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Real Chromium; its event loop must be gone before other modules ask for one of their own."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium on this machine")
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(params=["script", "no script"])
def tab(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Tab]:
    """A tab with and without our own script; at the end nothing of a stranger may have run."""
    context = browser.new_context(
        base_url=address, accept_downloads=True, java_script_enabled=request.param == "script"
    )
    context.set_default_timeout(_TIMEOUT_MS)
    context.add_init_script(_TELL_VIOLATIONS)
    made = Tab(page=context.new_page())
    made.page.on("dialog", lambda dialog: (made.troubles.append(f"dialog {dialog.message}"), dialog.dismiss()))
    made.page.on("pageerror", lambda error: made.troubles.append(f"error {error}"))
    made.page.on("console", lambda said: made.troubles.append(f"console {said.text}") if said.type == "error" else None)
    made.page.on(
        "request", lambda sent: None if sent.url.startswith(address) else made.troubles.append(f"asked {sent.url}")
    )
    yield made
    context.close()
    assert made.troubles == []

"""`threatclip serve`: answers over HTTP, and the analyst's page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from threatclip.cli.options import Json
from threatclip.cli.terminal import say, show, show_json
from threatclip.errors import InputError, NotInstalledError

_LIBRARIES = {"fastapi", "starlette", "uvicorn", "prometheus_client", "python_multipart"}


def serve(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen; beyond loopback keys are needed.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65_535, help="0 takes a free one.")] = 8765,
    runs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of runs; all below it that have a bundle are served.")
    ] = None,
    index: Annotated[
        list[str] | None, typer.Option(metavar="[NAME=]URI", help="Index of known cases; repeatable.")
    ] = None,
    attack: Annotated[
        Path | None, typer.Option(metavar="FILE", help="ATT&CK's STIX bundle, for exports and names.")
    ] = None,
    jobs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of audits; in the user's cache by default.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Hashed API keys; once given, every request needs one.")
    ] = None,
    new_key: Annotated[
        str | None,
        typer.Option("--new-key", metavar="NAME", help="Add a key to --keys, print it once, and do not serve."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="Host name that a proxy passes on; needs keys; repeatable."),
    ] = None,
    log_bodies: Annotated[
        bool, typer.Option("--log-bodies", help="Write what is sent into the log: payloads, texts, pictures.")
    ] = False,
    batch: Annotated[
        int, typer.Option(metavar="N", min=1, help="Inputs that go through a model at once; 1: no micro-batching.")
    ] = 64,
    queue: Annotated[
        int, typer.Option(metavar="N", min=1, help="Inputs that may wait for a model; beyond it 429.")
    ] = 1024,
    as_json: Json = False,
) -> None:
    """Serve models over HTTP, and a page.

    JSON logs on stderr, one line a request. Ends on Ctrl-C or SIGTERM: accepted work is answered first.
    """
    if new_key is not None:
        _make_key(keys, new_key, as_json=as_json)
        return
    try:
        from threatclip.service.server import serve as run
        from threatclip.service.settings import Limits, Settings
    except ModuleNotFoundError as error:
        if error.name not in _LIBRARIES:
            raise
        raise NotInstalledError(f"the service needs {error.name}; install threatclip[serve]") from error

    settings = Settings(
        host=host,
        port=port,
        runs=runs,
        indexes=tuple(index or ()),
        attack=attack,
        jobs=jobs,
        keys=keys,
        hosts=tuple(allow_host or ()),
        log_bodies=log_bodies,
        limits=Limits(batch_inputs=batch, queue_inputs=queue, inputs=min(256, queue)),
    )
    run(settings, on_start=lambda address: _tell(address, as_json=as_json))


def _tell(address: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"address": address})
    else:
        say(f"serving on {address}; Ctrl-C stops")
    sys.stdout.flush()


def _make_key(keys: Path | None, name: str, *, as_json: bool) -> None:
    if keys is None:
        raise InputError("--new-key needs --keys FILE, where the key's hash is kept")
    from threatclip.service.keys import add_key

    secret = add_key(keys, name)
    if as_json:
        show_json({"name": name, "key": secret, "keys": str(keys)})
        return
    show(secret)
    say(f"the key of {name}, shown only now; {keys} keeps its hash")

"""The back ends that an optimized bundle names for its towers; every file of them is in the bundle's manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from threatclip.artifacts import read_json
from threatclip.encoders.encode import Encoder, engine_encoder
from threatclip.encoders.engines import EngineSpec
from threatclip.encoders.towers import Tower
from threatclip.errors import DamagedArtifactError

ENGINES, GRAPHS = "engines.json", "engines"


def bundle_encoders(folder: Path, towers: Mapping[str, Tower]) -> dict[str, Encoder]:
    """Return the encoder of every tower that the bundle in `folder` names a back end for; none where it names none.

    Args:
        folder: of the bundle, after its hashes were checked.
        towers: by the names that `optimize` gave them.

    Raises:
        NotInstalledError: a back end is not installed; nothing is computed by another one instead.
        DamagedArtifactError: an engine is not what was written.
    """
    if not (folder / ENGINES).is_file():
        return {}
    stored = read_json(folder / ENGINES)
    named: Any = stored.get("towers") if isinstance(stored, dict) else None
    if not isinstance(named, dict) or not set(named) <= set(towers):
        raise DamagedArtifactError(f"{folder / ENGINES} names no towers of this bundle; optimize it anew")
    return {
        name: engine_encoder(towers[name], EngineSpec.from_plain(spec), folder / GRAPHS) for name, spec in named.items()
    }

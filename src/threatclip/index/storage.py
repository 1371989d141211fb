"""Where an index lies: a folder or an object store, opened through LanceDB, whose failures become our errors.

Options of an object store come from the environment: what LanceDB reads itself (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`
and others), and every `THREATCLIP_STORAGE_NAME=value`, which is handed over as the storage option `name`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from threatclip.errors import DamagedArtifactError, InputError, NotInstalledError, StorageError, ThreatclipError

if TYPE_CHECKING:
    from lancedb.db import DBConnection

SCHEMES = ("file", "s3", "s3+ddb", "gs", "az", "memory")
OPTION_PREFIX = "THREATCLIP_STORAGE_"
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_SOURCE_PLACE = re.compile(r",? ?\S+\.rs:\d+:\d+")  # where in LanceDB's own source: of no use to who reads it
_REFUSED = re.compile(
    "no space|permission denied|access denied|read-only|forbidden|unauthorized|quota|credential|time[d ]*out|connect"
    "|dns",
    re.IGNORECASE,
)


def local_folder(uri: str) -> Path | None:
    """Return the folder that `uri` means, or None where it means an object store.

    Raises:
        InputError: a scheme that LanceDB does not take, or a file: URI of another host.
    """
    found = _SCHEME.match(uri)
    if found is None:
        return Path(uri)
    scheme = found[1].lower()
    if scheme not in SCHEMES:
        raise InputError(f"{uri} is at no place that an index can lie: give a folder, or one of {', '.join(SCHEMES)}")
    if scheme != "file":
        return None
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise InputError(f"{uri} names a file of the host {parts.netloc!r}; write file:///path")
    return Path(unquote(parts.path))


def storage_options(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the options of the object store that `environment` names with THREATCLIP_STORAGE_."""
    return {
        name.removeprefix(OPTION_PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(OPTION_PREFIX) and name != OPTION_PREFIX
    }


def connect(uri: str) -> DBConnection:
    """Open the database at `uri`; every read of its tables sees the latest commit.

    Raises:
        InputError: no place that an index can lie.
        NotInstalledError: LanceDB is not installed.
        StorageError: the disk or the store refused.
    """
    folder = local_folder(uri)
    os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")  # else LanceDB warns on stderr, unescaped
    try:
        import lancedb
    except ImportError as error:
        raise NotInstalledError(
            "an index needs LanceDB; install the extra: pip install -c constraints.txt '.[index]'"
        ) from error
    with lance_errors(uri):
        return lancedb.connect(
            str(folder) if folder is not None else uri,
            read_consistency_interval=timedelta(0),
            storage_options=storage_options() or None,
        )


@contextmanager
def lance_errors(uri: str) -> Iterator[None]:
    """Turn what LanceDB raises under this block into one error about `uri`.

    LanceDB raises ValueError, RuntimeError and OSError for everything, and a PanicException (no Exception) where its
    own code gives up on damaged bytes: the message is all that tells them apart.

    Raises:
        StorageError: the disk or the store refused.
        DamagedArtifactError: anything else.
    """
    try:
        yield
    except ThreatclipError:
        raise
    except (ValueError, RuntimeError, OSError) as error:
        raise _told(uri, error) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _told(uri, error) from error


def _told(uri: str, error: BaseException) -> ThreatclipError:
    message = _SOURCE_PLACE.sub("", " ".join(str(error).split()))[:300] or type(error).__name__
    if (isinstance(error, OSError) and error.errno) or _REFUSED.search(message):
        return StorageError(f"cannot use the index {uri}: {message}; free space, or mend permissions or credentials")
    return DamagedArtifactError(f"the index {uri} cannot be read: {message}; build it anew")

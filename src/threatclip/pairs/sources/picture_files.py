"""Picture files that a foreign table names: read inside their folder, up to the limit, and nowhere else."""

from __future__ import annotations

from pathlib import Path

from threatclip.pairs.images import LIMITS
from threatclip.pairs.sources.rows import RowFault

SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp")


class PictureFolder:
    """Reads pictures below `root` by names that strangers wrote; the last one is kept for the captions that follow."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._last: tuple[str | None, bytes] = (None, b"")

    def read(self, name: str) -> bytes:
        """Return the bytes of the picture `name`, a path relative to the root.

        Raises:
            RowFault: no such file, a path (or link) that leads out of the folder, more bytes than a picture may have.
        """
        if name != self._last[0]:
            self._last = (name, self._bytes(name))
        return self._last[1]

    def _bytes(self, name: str) -> bytes:
        shown = name[:120]
        try:
            path = (self._root / name).resolve()
            if not path.is_relative_to(self._root):
                raise RowFault(f"the picture {shown!a} lies outside of {self._root}")
            if not path.is_file():  # a pipe or a device would never end
                raise RowFault(f"no picture {shown!a} in {self._root}")
            with path.open("rb") as stream:
                content = stream.read(LIMITS.max_bytes + 1)
        except (OSError, ValueError, RuntimeError) as error:  # permissions, a NUL in the name, links in a circle
            raise RowFault(f"the picture {shown!a} cannot be read ({error})") from error
        if len(content) > LIMITS.max_bytes:
            raise RowFault(f"the picture {shown!a} has more than {LIMITS.max_bytes:,} bytes")
        return content

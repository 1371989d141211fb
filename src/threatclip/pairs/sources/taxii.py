"""A TAXII 2.1 collection of who uses what, read over the network as a STIX bundle is read from a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from threatclip.pairs.pair import Modality
from threatclip.pairs.sources.rows import Row
from threatclip.pairs.sources.stix import Actors, NameUse, ProcedureLabel, Stix
from threatclip.pairs.taxii import collection_url, read_collection


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxii:
    """A TAXII 2.1 collection; PATH is its URL. The only source that uses the network.

    Attributes:
        label, names, actors, n_sentences: as of `Stix`.
        added_after: fetch only what the server got after this time, ISO 8601.
    """

    kind: Literal["taxii"] = "taxii"
    modality: ClassVar[Modality] = "text"
    label: ProcedureLabel = "technique"
    names: NameUse = "mask"
    actors: Actors = "all"
    n_sentences: int = 1
    added_after: str | None = None

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair or the reason why there is none for every procedure; a broken object is a bad row.

        Raises:
            NotInstalledError: without the extra `taxii`.
            InputError: no usable URL, server or collection.
        """
        url = collection_url(str(path))
        reader = Stix(label=self.label, names=self.names, actors=self.actors, n_sentences=self.n_sentences)
        yield from reader.rows(read_collection(url, added_after=self.added_after), Path(url))

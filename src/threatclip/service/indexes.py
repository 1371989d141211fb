"""The indexes of known cases that a service searches."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from threatclip.errors import InputError
from threatclip.experiments.auditing.encoders import MINILM
from threatclip.service.runs import Runs

if TYPE_CHECKING:
    from threatclip.experiments.searching import CaseSearch, Query
    from threatclip.index.generations import Generation
    from threatclip.index.where import Where


class Indexes:
    """Indexes that are opened when first asked, each with the run that it was built with."""

    def __init__(self, named: Sequence[str], runs: Runs) -> None:
        self._uris = dict(_named(one) for one in named)
        self._runs = runs
        self._opened: dict[str, CaseSearch] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(self._uris)

    def reads(self, name: str, modality: str) -> bool:
        """Tell whether the model of an index reads views of this modality; it is not loaded for that.

        Raises:
            InputError, DamagedArtifactError, StorageError: the index cannot be read.
        """
        return _generation(self._uris[name]).modality == modality

    def search(self, name: str, queries: Sequence[Query], *, k: int, where: Where) -> dict[str, Any]:
        """Return the nearest cases of each query.

        Raises:
            InputError: a query that the model does not read, no run here that made the index.
            DamagedArtifactError, StorageError: the index or the model cannot be read.
        """
        opened = self._open(name)
        try:
            found = opened.search(queries, k=k, where=where)
        except InputError:
            if opened.index.generation.model == opened.encoder.model:
                raise
            with self._lock:
                self._opened.pop(name, None)  # it was built anew with another model
            opened = self._open(name)
            found = opened.search(queries, k=k, where=where)
        generation = opened.index.generation
        return {
            "index": name,
            "generation": generation.number,
            "model": generation.model,
            "exact": generation.approximate is None,
            "answers": [
                {"query": query.id, "hits": [hit.as_dict() for hit in hits]}
                for query, hits in zip(queries, found, strict=True)
            ],
        }

    def _open(self, name: str) -> CaseSearch:
        from threatclip.experiments.searching import open_case_search

        with self._lock:
            if name not in self._opened:
                uri = self._uris[name]
                model = self._model_of(name, _generation(uri).model)
                self._opened[name] = open_case_search(uri, model)
            return self._opened[name]

    def _model_of(self, name: str, model: str) -> str:
        if model.startswith(f"{MINILM} "):
            return MINILM
        for card in self._runs.cards():
            if model == f"bundle {card.model}":
                return str(card.folder)
        raise InputError(f"the index {name} was built with {model[:80]}, which is not among the runs that are served")


def _generation(uri: str) -> Generation:
    """Return what readers of an index see now, without reading its cases."""
    from threatclip.index.generations import current, open_database

    return current(open_database(uri, writing=False), uri)


def _named(given: str) -> tuple[str, str]:
    """Return the name and the URI of NAME=URI, or of a URI whose last part names it."""
    name, equals, uri = given.partition("=")
    if equals and name and not set(name) & set("/:\\"):
        return name, uri
    return given.rstrip("/").rpartition("/")[2] or given, given

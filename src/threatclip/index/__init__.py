"""Nearest known cases: vectors of pairs in LanceDB tables, on disk or in an object store, searched exactly or not."""

"""Run as `kill_index.py build|add INDEX TABLE`: tell the cases done after each step, and wait to be killed."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from index_cases import DrawnEncoder

from threatclip.index.build import add_cases, build_index
from threatclip.index.cases import case_tables
from threatclip.index.settings import IndexSettings


def main(what: str, index: str, table: str) -> None:
    """Do the first step and wait."""
    settings, tables = IndexSettings(batch_rows=64), case_tables([Path(table)], source="killed")
    if what == "build":
        steps = build_index(index, tables, encoder=replace(DrawnEncoder(), model="drawn 2"), settings=settings)
    else:
        steps = add_cases(index, tables, encoder=DrawnEncoder(), settings=settings)
    for step in steps:
        sys.stdout.write(f"{step.done}\n")
        sys.stdout.flush()
        time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])

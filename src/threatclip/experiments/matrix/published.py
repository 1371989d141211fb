"""What `bench` and `defense-report` write of matrices: the Markdown document and the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from threatclip.artifacts import write_text
from threatclip.experiments.matrix.document import matrix_sections
from threatclip.experiments.matrix.report import write_report
from threatclip.experiments.matrix.summary import Summary
from threatclip.experiments.study_markdown import escape


def write_document(path: Path, summaries: Sequence[Summary], *, title: str, command: str) -> None:
    """Write the tables of one or several matrices as one Markdown document, whole or not at all.

    Raises:
        StorageError: the disk refused.
    """
    lines = [f"# {escape(title)}"]
    for one in summaries:
        if len(summaries) > 1:
            lines.append(f"## {escape(one.folder.matrix.title)}")
        lines += matrix_sections(one, command=command)
    write_text(path, "\n\n".join(lines) + "\n")


def publish(summaries: Sequence[Summary], *, title: str, command: str, document: Path, page: Path) -> dict[str, str]:
    """Write document and page, and return where they are."""
    write_document(document, summaries, title=title, command=command)
    write_report(page, summaries)
    return {"document": str(document), "report": str(page)}

"""The words of a PDF, page by page."""

from __future__ import annotations

import io

from threatclip.pairs.reports.document import PAGE_LIMIT, TEXT_LIMIT, Document, ReportFault


def pdf_text(content: bytes) -> Document:
    """Return the text of a PDF with the offsets of its pages; one that opens without a password is opened.

    Raises:
        ReportFault: no PDF, broken, encrypted, too many pages, too much text, or no text at all.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    if b"%PDF-" not in content[:1024]:
        raise ReportFault("it is no PDF")
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ReportFault("it is encrypted; remove the password first")
        n_pages = len(reader.pages)
        if n_pages > PAGE_LIMIT:
            raise ReportFault(f"it has {n_pages:,} pages, more than {PAGE_LIMIT:,}")
        texts, size = [], 0
        for page in reader.pages:
            texts.append(page.extract_text().encode("utf-8", "replace").decode("utf-8"))
            size += len(texts[-1])
            if size > TEXT_LIMIT:
                raise ReportFault(f"it holds more than {TEXT_LIMIT:,} characters of text")
    except ReportFault:
        raise
    except DependencyError as error:
        raise ReportFault("it is encrypted by AES; save it without encryption, or install cryptography") from error
    except Exception as error:  # a broken PDF raises anything
        reason = " ".join(str(error).split())[:120]
        raise ReportFault(f"it is a broken PDF ({type(error).__name__}: {reason})") from error
    if not any(text.strip() for text in texts):
        raise ReportFault("it holds no text; if it is a scan, recognize its letters first (OCR)")
    pages, at = [], 0
    for text in texts:
        pages.append(at)
        at += len(text) + 1
    return Document(text="\n".join(texts), pages=tuple(pages))

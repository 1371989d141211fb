"""The error tree: what is drawn is what is there, and what the command line returns for each."""

from __future__ import annotations

import inspect
import re

import pytest

from threatclip import errors
from threatclip.errors import BadRow, BadRowsError, DamagedArtifactError, ThreatclipError

CLASSES = {
    name: value
    for name, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, BaseException) and value.__module__ == errors.__name__
}


def test_the_docstring_draws_every_error_and_no_other() -> None:
    drawn = set(re.findall(r"\b[A-Z]\w*Error\b", errors.__doc__ or ""))
    assert drawn == set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_is_expected_and_has_an_exit_code(name: str) -> None:
    error = CLASSES[name]
    assert issubclass(error, ThreatclipError)
    assert error.exit_code == (3 if error is DamagedArtifactError else 2)
    assert error.__doc__


def test_bad_rows_carry_every_row_and_say_the_first() -> None:
    rows = [BadRow(path="a.jsonl", line=3, reason="not JSON"), BadRow(path="a.jsonl", line=9, reason="no view")]
    error = BadRowsError(rows, total=2)
    assert error.rows == tuple(rows)
    assert error.total == 2
    assert str(error) == "a.jsonl:3: not JSON (and 1 more); nothing was written; mend the rows or pass --skip-bad"
    assert "more" not in str(BadRowsError(rows[:1], total=1))
    assert "\n" not in str(error)

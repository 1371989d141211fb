"""YAML from strangers: a single document with every scalar kept as text, read without recursion.

libyaml's composer recurses in C and dies of deep nesting (a segmentation fault, not an exception), and aliases can
unfold a small file into a huge tree. So the tree is built from parser events here: depth and size are bounded and
aliases are refused. Scalars stay text: a path `0123` or a header `yes` must not turn into a number or a boolean.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from threatclip.errors import BadRow, InputError
from threatclip.pairs.sources.lines import first_bytes
from threatclip.pairs.sources.rows import Record, RowFault

FILE_LIMIT_BYTES = 4 * 2**20
_DEPTH_LIMIT = 64
_NO_KEY = object()


def yaml_records(path: Path) -> Iterator[Record | BadRow]:
    """Yield one record per `*.yaml` or `*.yml` file under `path` (or for `path` itself), in sorted order.

    Raises:
        InputError: nothing there to read.
    """
    files = sorted(file for file in path.rglob("*") if is_yaml(file)) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} holds no .yaml file")
    for file in files:
        try:
            yield Record(path=file, line=1, value=parse_yaml(first_bytes(file, FILE_LIMIT_BYTES + 1)))
        except RowFault as reason:
            yield BadRow(path=str(file), line=1, reason=str(reason))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            yield BadRow(path=str(file), line=mark.line + 1 if mark else 1, reason=f"not YAML: {error.problem}")
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            yield BadRow(path=str(file), line=1, reason="not YAML: " + " ".join(str(error).split())[:200])
        except InputError as error:
            if file == path:
                raise
            yield BadRow(path=str(file), line=1, reason=str(error))


def is_yaml(path: Path) -> bool:
    """Tell whether the name says YAML and a file is there."""
    return path.suffix in (".yaml", ".yml") and path.is_file()


def parse_yaml(content: bytes) -> Any:
    """Return the one document of `content` as dicts, lists and strings; an empty document is "".

    Raises:
        RowFault: too large, too deep, an alias, a key that is no scalar, more than one document.
        yaml.YAMLError: not YAML.
    """
    if len(content) > FILE_LIMIT_BYTES:
        raise RowFault(f"the file is larger than {FILE_LIMIT_BYTES:,} bytes")
    root: list[Any] = []
    nodes: list[Any] = [root]  # the containers that are open, outermost first
    keys: list[Any] = [_NO_KEY]  # for each, the mapping key that waits for its value
    for event in yaml.parse(content, Loader=yaml.CBaseLoader):
        if isinstance(event, yaml.AliasEvent):
            raise RowFault(f"YAML aliases are not read (*{event.anchor})")
        if isinstance(event, yaml.ScalarEvent):
            _place(nodes, keys, event.value)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(nodes) > _DEPTH_LIMIT:
                raise RowFault(f"YAML nested deeper than {_DEPTH_LIMIT} levels")
            node: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            _place(nodes, keys, node)
            nodes.append(node)
            keys.append(_NO_KEY)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            nodes.pop()
            keys.pop()
    if len(root) > 1:
        raise RowFault("more than one YAML document in the file")
    return root[0] if root else ""


def _place(nodes: list[Any], keys: list[Any], value: Any) -> None:
    node = nodes[-1]
    if isinstance(node, list):
        node.append(value)
    elif keys[-1] is not _NO_KEY:
        node[keys[-1]] = value
        keys[-1] = _NO_KEY
    elif isinstance(value, str):
        keys[-1] = value
    else:
        raise RowFault("a YAML mapping key is not a scalar")

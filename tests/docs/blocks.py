"""The fenced code blocks of a document, and what their info strings ask for.

`bash run` and `python run` are run and must succeed, or end as `exit=N` says; `javascript run` needs the
official Node SDK; `bash serve` starts a server. A `json expect` or `text expect` behind them is what must
be in the output. Other blocks are only shown. The first word is what colours the block for readers.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ANYTHING = "…"
LANGUAGES = {"run": ("bash", "python", "javascript"), "serve": ("bash",), "expect": ("json", "text")}

_BLOCK = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Block:
    """A block that is run, with what is expected of it."""

    language: str
    action: str
    text: str
    line: int
    exit_code: int = 0
    expected: list[tuple[str, str]] = field(default_factory=list)


def read_blocks(document: Path) -> list[Block]:
    source = document.read_text(encoding="utf-8")
    blocks: list[Block] = []
    for found in _BLOCK.finditer(source):
        language, *words = found["info"].split() or [""]
        if not words:
            continue
        action = words[0]
        line = source.count("\n", 0, found.start()) + 1
        assert language in LANGUAGES.get(action, ()), f"{document.name}:{line}: what is `{found['info']}`?"
        if action == "expect":
            assert blocks, f"{document.name}:{line}: there is nothing before it to expect this of"
            blocks[-1].expected.append((language, found["text"]))
            continue
        options = dict(word.split("=", 1) for word in words[1:])
        blocks.append(Block(language, action, found["text"], line, int(options.get("exit", "0"))))
    return blocks


def complaint(kind: str, expected: str, output: str) -> str | None:
    """What of the expected is not in the output, None when all of it is."""
    if kind == "text":
        return _missing_line(expected, output)
    try:
        return _difference(json.loads(expected), json.loads(output), "$")
    except json.JSONDecodeError as problem:
        return f"no JSON: {problem}"


def _missing_line(expected: str, output: str) -> str | None:
    """Lines may be parts of the output's lines, and must come in the same order."""
    position = 0
    for line in filter(None, map(str.strip, expected.splitlines())):
        match = re.compile(_pattern(line)).search(output, position)
        if match is None:
            return f"missing: {line}"
        position = match.end()
    return None


def _difference(expected: Any, given: Any, place: str) -> str | None:
    """Objects may have more members than are shown; a list may go on where it ends in an ellipsis."""
    if isinstance(expected, dict):
        if not isinstance(given, dict):
            return f"{place} is no object"
        absent = expected.keys() - given.keys()
        if absent:
            return f"{place} lacks {sorted(absent)}"
        return _first(_difference(value, given[name], f"{place}.{name}") for name, value in expected.items())
    if isinstance(expected, list):
        goes_on = expected[-1:] == [ANYTHING]
        wanted = expected[:-1] if goes_on else expected
        if not isinstance(given, list) or len(given) < len(wanted) or (len(given) > len(wanted) and not goes_on):
            return f"{place} is not a list of {len(wanted)}"
        return _first(_difference(value, given[number], f"{place}[{number}]") for number, value in enumerate(wanted))
    if isinstance(expected, str) and ANYTHING in expected:
        same = isinstance(given, str) and re.fullmatch(_pattern(expected), given) is not None
    else:
        same = type(expected) is type(given) and expected == given
    return None if same else f"{place} is {given!r}, not {expected!r}"


def _first(complaints: Any) -> str | None:
    return next((one for one in complaints if one is not None), None)


def _pattern(text: str) -> str:
    return "[^\n]+".join(map(re.escape, text.split(ANYTHING)))

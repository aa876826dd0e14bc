"""What a user wrote beside the keys of a parameter file, kept where another is made of it."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

_KEY: Final = re.compile(r"\s*(?:- )?([A-Za-z_]\w*)\s*:")
_COLUMN: Final = 36


@dataclass(frozen=True)
class _Line:
    """A line of YAML: what counts, and its comment with the #."""

    code: str
    comment: str

    @property
    def key(self) -> str:
        """What the line is about: its key, or the item of a list as it stands."""
        found = _KEY.match(self.code)
        return found[1] if found else self.code.strip()


@dataclass
class _Comments:
    """Comments of a file: beside what lines are about, above it, and at the end."""

    beside: dict[str, str] = field(default_factory=dict)
    above: dict[str, list[str]] = field(default_factory=dict)
    last: list[str] = field(default_factory=list)


def keep_comments(before: str, after: str, changed: Collection[str]) -> str:
    """Carry the comments of a parameter file over to another.

    Parameters
    ----------
    before, after : str
        YAML text of both; valid.
    changed : collection of str
        Keys whose comments in `after` are to stay.

    Returns
    -------
    str
        `after` with the comments of `before` beside the other keys and items that are in both, and
        lines of comments above them. What only `before` has is left out, but for its lines of
        comments, which come last.
    """
    made = list(zip(_lines(after), after.splitlines(), strict=True))
    old = _comments(before, known={line.comment for line, _ in made if not line.code})
    result: list[str] = []
    for line, whole in made:
        if not line.code:
            result.append(whole)
            continue
        indent = " " * (len(line.code) - len(line.code.lstrip()))
        result += [indent + text for text in old.above.pop(line.key, [])]
        kept = "" if line.key in changed else old.beside.get(line.key, "")
        comment = kept or line.comment
        result.append(f"{line.code.ljust(_COLUMN)}  {comment}" if comment else line.code)
    result += [*(text for texts in old.above.values() for text in texts), *old.last]
    return "\n".join(result) + "\n"


def _comments(text: str, known: Collection[str]) -> _Comments:
    found, waiting = _Comments(), list[str]()
    for line in _lines(text):
        if line.code:
            found.above.setdefault(line.key, []).extend(waiting)
            waiting = []
            if line.comment:
                found.beside[line.key] = line.comment
        elif line.comment and line.comment not in known:
            waiting.append(line.comment)
    found.last = waiting
    return found


def _lines(text: str) -> Iterator[_Line]:
    lines, ends = text.splitlines(), dict[int, int]()
    for token in yaml.scan(text):
        start, end = token.start_mark, token.end_mark
        # Text over several lines may hold what looks like a comment.
        for number in range(start.line, min(end.line, len(lines))):
            ends[number] = len(lines[number])
        if end.column and end.index > start.index:
            ends[end.line] = max(ends.get(end.line, 0), end.column)
    for number, line in enumerate(lines):
        end = ends.get(number, 0)
        yield _Line(line[:end].rstrip(), line[end:].strip())

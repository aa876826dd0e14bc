"""Style sheets of the dashboard and of the report: each rule is for something that is there."""

import re
from pathlib import Path

import pytest

import crmasks_widgets

PACKAGE = Path(crmasks_widgets.__file__).parent
SHEETS = sorted(PACKAGE.rglob("*.css"))
CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*")) if path.suffix in {".py", ".js", ".j2"}
)  # fmt: skip
NAMES = frozenset(re.findall(r"crmasks-[\w-]*\w", CODE))
# Of names that are put together, `crmasks-icon-{icon}` or `crmasks-field-${kind}`: how they begin.
BEGINNINGS = frozenset(re.findall(r"(crmasks-\w[\w-]*-)\$?{", CODE))
WORDS = frozenset(re.findall(r"[\"'`]([\w-]+)[\"'`]", CODE))


def rules(path):
    """Selectors of each rule with what is declared; those of a condition with the condition."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    around = []
    for head, end in re.findall(r"([^{}]*)([{}])", text):
        if end == "}":
            if around and around[-1].startswith("@"):
                around.pop()
            elif around:
                yield (*around[:-1], " ".join(around.pop().split())), head.strip()
        else:
            around.append(" ".join(head.split()))


def made(name):
    """Whether code gives something this class."""
    parts = ((each, name.removeprefix(each)) for each in BEGINNINGS if name.startswith(each))
    return name in NAMES or any(rest in WORDS for _, rest in parts)


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.stem)
def test_each_class_of_a_style_sheet_is_given_to_something(path):
    selectors = "\n".join(selector for (*_, selector), _ in rules(path))
    classes = set(re.findall(r"\.(crmasks-[\w-]+)", selectors))
    assert {name for name in classes if not made(name)} == set()


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.stem)
def test_no_two_rules_of_a_style_sheet_have_the_same_selectors(path):
    seen = [where for where, _ in rules(path)]
    assert seen
    assert {" ".join(each) for each in seen if seen.count(each) > 1} == set()

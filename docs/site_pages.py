"""What the site has that no page says: API pages and gallery from the package and the notebooks.

`docs/conf.py` loads this as an extension of Sphinx. What is made lies in ``docs/generated`` and is
made anew each time, from names and files as they are then.
"""

import base64
import importlib
import inspect
import json
import pkgutil
import runpy
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import latex2mathml.converter
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

import crmasks_widgets
from crmasks_widgets import core

DOCS = Path(__file__).parent
GENERATED = DOCS / "generated"
NOTEBOOKS = DOCS.parent / "notebooks"
links = runpy.run_path(str(DOCS / "make_links.py"))


def _write(path: Path, text: str | bytes) -> None:
    """Leave what is the same untouched: Sphinx reads again what has a new date."""
    content = text.encode() if isinstance(text, str) else text
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")


def public_names() -> dict[str, Any]:
    """Return what ``import crmasks_widgets as cm`` offers, by name, without the version."""
    names = (name for name in crmasks_widgets.__all__ if name != "__version__")
    return {name: getattr(crmasks_widgets, name) for name in names}


def core_modules() -> Iterator[ModuleType]:
    """Import the modules of the core that define something public, in alphabetical order."""
    for found in pkgutil.walk_packages(core.__path__, "crmasks_widgets.core."):
        module = importlib.import_module(found.name)
        defined = (
            thing
            for name, thing in vars(module).items()
            if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__
        )
        if any(inspect.isclass(thing) or inspect.isroutine(thing) for thing in defined):
            yield module


def _page(title: str, directive: str, name: str) -> str:
    options = "   :show-inheritance:\n" if directive == "autoexception" else ""
    return f"# {title}\n\n```{{eval-rst}}\n.. {directive}:: {name}\n{options}```\n"


def _table(rows: Iterator[tuple[str, str]]) -> str:
    lines = "".join(f"| {name} | {says} |\n" for name, says in rows)
    return f"| name | what it is |\n|---|---|\n{lines}\n"


def write_api() -> None:
    """Write a page for each public name and each module of the core, and the tables of both."""
    public = public_names()
    errors = {n for n, thing in public.items() if _is_error(thing)}
    text = ""
    for title, names in (
        ("Classes", [n for n, t in public.items() if inspect.isclass(t) and n not in errors]),
        ("Functions", [n for n, t in public.items() if inspect.isroutine(t)]),
        ("Errors", sorted(errors)),
    ):
        rows = ((f"[`{n}`](generated/api/{n}.md)", _first_line(public[n])) for n in names)
        text += f"## {title}\n\n{_table(rows)}"
        directive = {"Classes": "autoclass", "Functions": "autofunction"}.get(
            title, "autoexception"
        )
        for name in names:
            page = _page(name, directive, f"crmasks_widgets.{name}")
            _write(GENERATED / "api" / f"{name}.md", page)
    _write(GENERATED / "api.md", text)
    modules = list(core_modules())
    for module in modules:
        page = _page(module.__name__.partition(".core.")[2], "automodule", module.__name__)
        _write(GENERATED / "core" / f"{module.__name__}.md", page)
    rows = (
        (f"[`{m.__name__.partition('.core.')[2]}`](generated/core/{m.__name__}.md)", _first_line(m))
        for m in modules
    )
    _write(GENERATED / "core.md", _table(rows))


def _is_error(thing: Any) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Exception)


def write_gallery() -> None:
    """Write a card for each notebook: its title, the sentence below it, its first picture."""
    cards = []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        title, says, *_ = "".join(cells[0]["source"]).split("\n\n")
        title = title.removeprefix("# ")
        says = says.replace("\n", " ").partition(". ")[0].removesuffix(".") + "."
        picture = next(_pictures(cells), None)
        image = ""
        if picture:
            _write(GENERATED / "gallery" / f"{path.stem}.png", picture)
            image = (
                f":img-top: generated/gallery/{path.stem}.png\n"
                f":img-alt: First figure of the notebook: {title}\n"
            )
        cards.append(
            f":::{{grid-item-card}} {path.stem[:2]} {title}\n:link: ../notebooks/{path.stem}\n"
            f":link-type: doc\n{image}\n{says}\n:::\n"
        )
    _write(
        GENERATED / "gallery.md", "::::{grid} 1 2 3 3\n:gutter: 3\n\n" + "\n".join(cards) + "::::\n"
    )


def _pictures(cells: list[dict[str, Any]]) -> Iterator[bytes]:
    for cell in cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                yield base64.b64decode("".join(output["data"]["image/png"]))


def _add_run_it(doctree: nodes.document, docname: str) -> None:
    """Say below the title of a notebook where it runs: pictures here, widgets there."""
    section = next(doctree.findall(nodes.section))
    start = links["binder"](links["repository"]())
    address = start + quote(f"lab/tree/{docname}.ipynb")
    paragraph = nodes.paragraph("", "", classes=["crmasks-run-it"])
    paragraph += nodes.reference("", "Open in Binder", refuri=address)
    paragraph += nodes.Text(" to move its sliders and dashboards: this page shows what was stored.")
    section.insert(1, paragraph)


def _describe_pictures(doctree: nodes.document) -> None:
    """Give each picture that a cell drew the words of the section it stands in."""
    for image in doctree.findall(nodes.image):
        section = image.parent
        while section is not None and not isinstance(section, nodes.section):
            section = section.parent
        if not image.get("alt") and section is not None:
            image["alt"] = f"Figure: {section[0].astext()}"


def _link_public_names(doctree: nodes.document) -> None:
    """Let types of docstrings lead to public names, and to nothing else: n is no attribute."""
    public = public_names()
    for link in list(doctree.findall(pending_xref)):
        if link.get("refdomain") == "py":
            if link["reftarget"] in public:
                link["reftarget"] = f"crmasks_widgets.{link['reftarget']}"
            else:
                link.replace_self(link.children)


def _finish_page(app: Sphinx, doctree: nodes.document) -> None:
    docname = app.env.docname
    if docname.startswith("notebooks/"):
        _add_run_it(doctree, docname)
    _link_public_names(doctree)
    _describe_pictures(doctree)


def _math(translator: HTML5Translator, node: nodes.Element, display: str) -> None:
    """Write formulas as MathML, which browsers draw without a script."""
    text = node.astext()
    if display == "block" and "\\begin{aligned}" not in text and "\\\\" in text and "&" in text:
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    translator.body.append(latex2mathml.converter.convert(text, display=display))
    raise nodes.SkipNode


def _inline_math(translator: HTML5Translator, node: nodes.math) -> None:
    _math(translator, node, "inline")


def _block_math(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append('<div class="crmasks-formula">')
    try:
        _math(translator, node, "block")
    finally:
        translator.body.append("</div>\n")


def _write_door(app: Sphinx, error: Exception | None) -> None:
    """Lead from the address of the site to its first page."""
    if error is None:
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>crmasks_widgets</title>'
            '<meta http-equiv="refresh" content="0; url=docs/index.html">'
            '<a href="docs/index.html">crmasks_widgets</a></html>\n'
        )
        (Path(app.outdir) / "index.html").write_text(page, encoding="utf-8")


def _write_pages(_: Sphinx) -> None:
    write_api()
    write_gallery()


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx what to call when."""
    app.add_html_math_renderer("mathml", (_inline_math, None), (_block_math, None))
    app.connect("builder-inited", _write_pages)
    app.connect("doctree-read", _finish_page)
    app.connect("build-finished", _write_door)
    return {"parallel_read_safe": True}

"""How the site is made: ``make site``.

The sources are the pages, notebooks and docstrings as they lie in the repository, so this folder is
not where Sphinx starts but the root. What the site says of the repository's address, its licence
and its version comes from pyproject.toml and the package.
"""

import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import crmasks_widgets

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

with (DOCS.parent / "pyproject.toml").open("rb") as _file:
    _project = tomllib.load(_file)["project"]
_address = _project["urls"]["Repository"]
_owner, _, _name = urlsplit(_address).path.strip("/").partition("/")

project = "crmasks_widgets"
author = "The crmasks_widgets developers"
copyright = f"{author}; {_project['license']}"
version = release = crmasks_widgets.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "site_pages",
]
root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "notebooks/*.ipynb",
    "benchmarks/README.md",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
]
# The files of docs/generated itself are parts of pages; its folders hold pages.
exclude_patterns = [
    ".*", "build", "dist", "tests", "crmasks-demo", "**/.ipynb_checkpoints", "docs/generated/*.md",
]  # fmt: skip

myst_enable_extensions = ["dollarmath", "colon_fence", "amsmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"
# Outputs of a dashboard are stored as pictures; a page without a kernel needs no widgets.
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True}
napoleon_google_docstring = False
# Else each word of a type becomes a link to whatever has that name.
napoleon_use_param = False
napoleon_use_rtype = False

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_sidebars = {f"docs/{page}": [] for page in ("index", "gallery", "comparison")}
html_show_sourcelink = False
html_context = {
    "github_user": _owner,
    "github_repo": _name,
    "github_version": "main",
    "doc_path": "",
    "default_mode": "auto",
}
html_theme_options = {
    "logo": {"text": project},
    "github_url": _address,
    "use_edit_page_button": True,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}

"""The site: the pages of docs/, the notebooks as committed, the reference; see `make site`.

What Sphinx does not do by itself stands in _ext/, an extension for each kind of thing.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from links import REPOSITORY
from weight import COMPONENTS

import convreg
import convreg.claims.scorecard  # now: as it is imported it asks SciPy, and SciPy the mocked torch

SOURCE = [{"name": "Source", "url": REPOSITORY, "icon": "fa-brands fa-github"}]

project = "convreg"
author = "the convreg developers"
copyright = "the convreg developers, MIT licence"
release = version = convreg.__version__
extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
    # ours
    "accessibility",
    "backlinks",
    "breaks",
    "descriptions",
    "explorer",
    "home",
    "images",
    "links",
    "notebooks",
    "reference",
    "scorecard",
    "search",
    "tables",
    "testpages",
    "weight",
]
exclude_patterns = ["README.md", "_ext", "_templates"]
default_role = "py:obj"
smartquotes = False  # M'M
add_module_names = False
toc_object_entries_show_parents = "hide"

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_mock_imports = ["joblib", "sklearn", "torch"]  # the reference is the same without them
viewcode_follow_imported_members = False  # into the mocked torch
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_type_aliases = {name: name for name in ("ArrayLike", "NDArray", "Table", "Function")}
python_maximum_signature_line_length = 80  # longer ones have a line for each parameter
numpydoc_show_class_members = False

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
mathjax3_config = {"loader": {"load": COMPONENTS}}  # without a menu
nb_render_markdown_format = "myst"  # mathematics in the tables that cells show
copybutton_prompt_text = ">>> |\\.\\.\\. "
copybutton_prompt_is_regexp = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

html_theme = "pydata_sphinx_theme"
html_title = "convreg"
html_domain_indices = False
html_favicon = "_static/icon.svg"
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
templates_path = ["_templates"]
html_baseurl = os.environ.get("CONVREG_SITE_URL", "").rstrip("/")  # where it will stand
html_baseurl += "/" * bool(html_baseurl)
html_css_files = [
    "layout.css",
    "tables.css",
    "home.css",
    "notebook.css",
    "scorecard.css",
    ("print.css", {"media": "print"}),
]
html_js_files = [("layout.js", {"defer": "defer"})]
html_show_sourcelink = html_copy_source = False
html_sidebars = {
    name: [] for name in ("index", "use", "rerun", "sweep", "validate", "scorecard", "map")
}
html_theme_options = {
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "show_toc_level": 2,
    "header_links_before_dropdown": 9,
    "footer_end": [],
    "footer_start": ["copyright"],
    "icon_links": SOURCE if REPOSITORY else [],
}

"""How the documentation is built: ``sphinx-build -W docs site``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import generate

from metalearn import __version__

generate.write_all()  # figures and tables come from results and code each time, so that none can go stale

project = "metalearn"
author = "the metalearn developers"
project_copyright = author
version = release = __version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
templates_path = ["_templates"]
exclude_patterns = ["_generated/parts/*", "_generated/programs/**"]
nitpicky = False

html_theme = "furo"
html_title = f"metalearn {release}"
html_copy_source = False
html_extra_path = [str(generate.for_programs())]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say them
autodoc_default_options = {"members": True, "inherited-members": False}
numpydoc_show_class_members = False

"""Settings of the documentation, a small Sphinx project of its own: `make docs` builds it."""

import sys
from pathlib import Path

import trialbook

sys.path.insert(0, str(Path(__file__).parent))

project = "trialbook"
author = copyright = "The authors of trialbook"
release = trialbook.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generated_tables"]
exclude_patterns = ["first_paper"]

nitpick_ignore_regex = [("py:(class|exc|obj)", ".*")]  # types of other packages, which have no page here

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "none"  # the docstrings say them, with shapes and units
autodoc_member_order = "bysource"

smartquotes_action = "qe"  # two dashes are those of an option

html_theme = "sphinx_book_theme"
html_title = "trialbook"
html_theme_options = {"show_toc_level": 2, "use_download_button": False, "use_fullscreen_button": False}

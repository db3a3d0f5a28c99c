project = "A first paper"
extensions = ["myst_nb", "trialbook.sphinx"]
nb_execution_mode = "off"
exclude_patterns = ["_build", "analysis.ipynb"]
html_theme = "sphinx_book_theme"

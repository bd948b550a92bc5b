"""
Settings of the docs site, which Sphinx reads.

    python -m sphinx -W -c docs . FOLDER        in the top folder of the repository

The sources are the pages of the whole repository, so that links between them work in the
site as they do on a forge.
"""

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

project = "pvbench"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinxarg.ext"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/*.md", "patches/README.md", "results/recorded/README.md"]
highlight_language = "text"
myst_heading_anchors = 4  # the anchors that forges give headings
suppress_warnings = ["myst.domains"]  # the domain of sphinx-argparse has no general links
sphinxarg_full_subcommand_name = True
napoleon_custom_sections = ["Errors", "Source"]

html_theme = "furo"
html_title = "pvbench"
html_extra_path = ["site"]  # the first page of the site leads to docs/index.html
html_show_sourcelink = False
html_copy_source = False


def setup(app: Any) -> None:
    """Complete the pages when Sphinx reads them."""
    app.connect("source-read", _on_source_read)


def _on_source_read(app: Any, page: str, content: list[str]) -> None:
    from site_pages import complete

    content[0] = complete(page, content[0])

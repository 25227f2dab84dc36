"""Sphinx configuration: pages in MyST Markdown, executed as they are built, without anything from a network."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

_HERE = Path(__file__).parent
sys.path.insert(0, str(_HERE / "_ext"))

# Executed pages call the command line of the same installation, and must not depend on data sets at hand.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
os.environ.pop("METACHRON_DATA", None)
os.environ.setdefault("MPLBACKEND", "agg")

project = "metachron"
author = "The metachron developers"
copyright = "2026, the metachron developers"
release = version = installed_version("metachron")
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "mathml", "plain_docstrings", "generated", "checked_examples"]
exclude_patterns = ["_build", "_ext", "tutorial_output", "**/.ipynb_checkpoints"]
default_role = "py:obj"

myst_enable_extensions = ["deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 240
nb_merge_streams = True

autodoc_class_signature = "mixed"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
python_maximum_signature_line_length = 90
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"metachron {release}"
html_static_path = ["_static"]
html_css_files = ["metachron.css"]
html_show_sourcelink = False
html_copy_source = False

# What the tutorial makes: its report is published beside the page.
PUBLISHED = _HERE / "tutorial_output" / "published"
PUBLISHED.mkdir(parents=True, exist_ok=True)
html_extra_path = [str(PUBLISHED)]

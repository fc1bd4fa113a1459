# SPDX-License-Identifier: Apache-2.0
"""The pages that follow from the package and the chapters: ``python -m pages`` in chapters/."""

from .api import api_page
from .claims import claims_page
from .end import end_page
from .glossary import glossary_page
from .matrix import matrix_page
from .notation import notation_page
from .readme import readme
from .references import references_page

PAGES = {
    "notation.md": notation_page,
    "claims.md": claims_page,
    "glossary.md": glossary_page,
    "references.md": references_page,
    "end.md": end_page,
    "api.md": api_page,
    "instructor/matrix.md": matrix_page,
    "../README.md": readme,
}

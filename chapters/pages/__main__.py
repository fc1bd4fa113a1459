# SPDX-License-Identifier: Apache-2.0
"""Write every page."""

from . import PAGES
from .chapters import ROOT

for name, page in PAGES.items():
    (ROOT / name).write_text(page(), encoding="utf-8")
    print(f"wrote {name}")

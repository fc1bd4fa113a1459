"""The README's picture is the tour's figure, with the tour's words for it."""

import json
import re
from base64 import b64decode
from html import unescape
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_picture_of_the_readme_is_what_the_tour_shows() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"!\[(.+?)\]\((chapters/images/00-tour\.svg)\)", readme)
    assert shown
    notebook = json.loads((ROOT / "chapters" / "00-tour.ipynb").read_text(encoding="utf-8"))
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    html = ["".join(output["data"].get("text/html", "")) for output in outputs if "data" in output]
    figure = next(text for text in html if text.startswith("<img "))
    alt, data = re.findall(r'alt="([^"]*)" src="data:image/svg\+xml;base64,([^"]+)"', figure)[0]
    assert unescape(alt) == shown[1]
    assert b64decode(data) == (ROOT / shown[2]).read_bytes()

# SPDX-License-Identifier: Apache-2.0
"""What a page of solutions shows beside the code: the question above, and the result below."""

import json
import re
from pathlib import Path

CHAPTERS = Path(__file__).parents[1]
RESULTS = json.loads((CHAPTERS / "solutions" / "results.json").read_text(encoding="utf-8"))
SOLVED = re.compile(r"^(## (\d+\.\d+)\n)(.*?^```\{code-cell\}.*?^```$)", re.MULTILINE | re.DOTALL)
QUESTION = r"^(\*\*{0} .*?)(?=\n\n(?:```|\+\+\+))"
LOCAL = re.compile(r"\]\((?!https?:|#)")


def complete(text: str, chapter: str) -> str:
    """Return the text of the solutions of a chapter with its questions and results."""
    twin = (CHAPTERS / "text" / f"{chapter}.md").read_text(encoding="utf-8")

    def completed(found: re.Match[str]) -> str:
        heading, number, solution = found.groups()
        question = re.search(QUESTION.format(re.escape(number)), twin, re.MULTILINE | re.DOTALL)
        assert question, f"chapter {chapter} has no exercise {number}"
        quoted = LOCAL.sub("](../", question[1]).replace("\n", "\n> ")
        return f"{heading}\n> {quoted}\n\n{solution}\n\n**Result:** {RESULTS[chapter][number]}"

    return SOLVED.sub(completed, text)

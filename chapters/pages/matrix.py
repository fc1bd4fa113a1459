# SPDX-License-Identifier: Apache-2.0
"""The matrix: where each objective is taught, practiced and asked about."""

import re

from napkin.quantities.table import Table

from .chapters import NUMBERED, ROOT, Chapter

MATRIX = """\
# Objectives, sections, exercises, questions

What a reader is promised, and where it is kept: the sections that teach it (from the plans of
the chapters), the exercises that practice it, and the questions of the quiz. The tour has no
quiz.
"""
ROW = re.compile(r"^\| ([^|]+) \| (\d+) \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)


def plan(chapter: Chapter) -> dict[str, tuple[int, list[str]]]:
    """Return the minutes and objectives of each section, as the teacher's page has them."""
    path = ROOT / "instructor" / f"{chapter.stem}.md"
    rows = ROW.findall(path.read_text(encoding="utf-8"))
    return {
        title: (int(minutes), re.findall(r"O\d+\.\d+", tags)) for title, minutes, tags, _ in rows
    }


def matrix_page() -> str:
    """Return the table of all objectives."""
    rows = []
    for chapter in NUMBERED:
        sections, quiz = plan(chapter), chapter.quiz
        for objective, text in chapter.objectives.items():
            taught = "; ".join(name for name, (_, tags) in sections.items() if objective in tags)
            practiced = [n for n, tags in chapter.exercises.items() if objective in tags]
            asked = [str(n) for n, tag in enumerate(quiz, start=1) if tag == objective]
            link = f"[{objective}](../{chapter.stem}.ipynb)"
            rows.append([link, text, taught, ", ".join(practiced), ", ".join(asked)])
    header = ["objective", "to", "sections", "exercises", "quiz"]
    return f"{MATRIX}\n{Table(header, rows)._repr_markdown_()}\n"

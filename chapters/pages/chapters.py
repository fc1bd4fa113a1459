# SPDX-License-Identifier: Apache-2.0
"""What the chapters say of themselves: titles, objectives, sections, exercises, terms, links."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from napkin.lessons import questions

ROOT: Final = Path(__file__).resolve().parents[1]
_CODE: Final = re.compile(r"^```\{code-cell\}.*?^```$", re.DOTALL | re.MULTILINE)
# Bold, but no term: what opens a part of a chapter, a callout or an exercise.
_LEADS: Final = re.compile(
    r"(The question|The picture|You |Predict|Before you|Takeaway|Assumption|Pitfall|Check|\d|What )"
)


@dataclass(frozen=True)
class Chapter:
    """A text twin, without its code."""

    stem: str

    @cached_property
    def prose(self) -> str:
        """What is neither front matter nor a code cell."""
        text = (ROOT / "text" / f"{self.stem}.md").read_text(encoding="utf-8")
        return _CODE.sub("", text.split("\n---\n", 1)[1])

    @property
    def number(self) -> str:
        """The two digits of a numbered chapter, else nothing."""
        return self.stem[:2] if self.stem[:2].isdigit() else ""

    @property
    def title(self) -> str:
        """The first heading."""
        return self.prose.split("# ", 1)[1].splitlines()[0]

    @property
    def link(self) -> str:
        """Its number, or name, with the way to its notebook."""
        return f"[{self.number or self.stem}]({self.stem}.ipynb)"

    @property
    def named_link(self) -> str:
        """What a sentence calls it, with the way to its notebook."""
        name = "The tour" if self.number == "00" else f"Chapter {self.number}"
        return f"[{name if self.number else self.title}]({self.stem}.ipynb)"

    @property
    def objectives(self) -> dict[str, str]:
        """What a reader will be able to do, by identifier."""
        return dict(re.findall(r"^- `(O\d+\.\d+)` (.+)[;.]$", self.prose, re.MULTILINE))

    @property
    def sections(self) -> list[str]:
        """The headings before the exercises."""
        headings = re.findall(r"^## (.+)$", self.prose, re.MULTILINE)
        return [name for name in headings[: headings.index("Exercises")] if name != "Setup"]

    @property
    def minutes(self) -> int:
        """How long a newcomer reads."""
        return int(re.findall(r"Allow (\d+) minutes to read", self.prose)[0])

    @property
    def exercises(self) -> dict[str, list[str]]:
        """The objectives that each exercise practices."""
        found = re.findall(r"^\*\*(\d+\.\d+) [^*]+\*\* \(([^)]*)\)", self.prose, re.MULTILINE)
        return {number: re.findall(r"O\d+\.\d+", tags) for number, tags in found}

    @property
    def quiz(self) -> list[str]:
        """The objective of each question of the quiz."""
        path = ROOT / "quizzes" / f"{self.stem}.toml"
        return [question.objective for question in questions(path)] if path.exists() else []

    @property
    def terms(self) -> list[str]:
        """The words that the chapter introduces, in bold."""
        bold = re.findall(r"(?<![*`])\*\*([^*\n]+)\*\*", self.prose)
        return [word for word in bold if not (_LEADS.match(word) or word.endswith("."))]

    @property
    def links(self) -> list[str]:
        """The addresses outside the book to which it points."""
        return re.findall(r"\]\((https?://[^)]+)\)", self.prose)


CHAPTERS: Final = [
    Chapter(path.stem)
    for path in sorted((ROOT / "text").glob("*.md"), key=lambda path: (path.stem > "9", path.stem))
]
NUMBERED: Final = [chapter for chapter in CHAPTERS if chapter.number]
_BY_STEM: Final = {chapter.stem[3:].replace("-", "_"): chapter for chapter in NUMBERED}
# What has no chapter of its own yet is told in another.
_ELSEWHERE: Final = {
    "layers": _BY_STEM["gqa"],
    "quantization": _BY_STEM["bits"],
    "calibration": _BY_STEM["does_it_hold"],
    "parallelism": _BY_STEM["many_gpus"],
    "speculation": _BY_STEM["guessing"],
    "prompts": _BY_STEM["tokens_per_second"],  # where they are told first
}
BY_MODULE: Final = {stem: c for stem, c in _BY_STEM.items() if c.number != "00"} | _ELSEWHERE

# SPDX-License-Identifier: Apache-2.0
"""The last page: what a reader has learned, where to go, how to cite and to report."""

import yaml

from .chapters import NUMBERED, ROOT

END = """\
# What you can do now

You started with two numbers on a data sheet, and ended with dollars per user and a range around
them. If you can't do one of these things yet, its chapter is one click away.

{learned}

## Where to go from here

- [Your own model, GPU and users](rederive.ipynb) takes everything above to your own case. Keep it,
  and run it again when prices change or a new model comes out.
- [Your deployment, on one page](capstone.ipynb) is a template: replace five cells, and hand over
  the memo.
- Measure your server, and hold it against its bound. [Chapter 10](10-does-it-hold.ipynb) shows how:
  `nk.measure` reads the output of common benchmarks.
- Read what the chapters are built on. The [references](references.md) name the chapters that use
  them. Start with the scaling-book for more than one chip, and with the roofline and the
  PagedAttention papers for the ideas behind chapters 01 and 07.
- Look something up in the [glossary](glossary.md), the [notation](notation.md) or the list of
  [what the package offers](api.md).
- Do you teach? [Two workshops](instructor/workshop.md) take two hours each, and each chapter has a
  page for teachers.

## Cite the book

Cite the version that you read, because numbers change when a source does:

```bibtex
@software{{napkin,
  title = {{{{{title}}}}},
  author = {{{{{author}}}}},
  version = {{{version}}}
}}
```

## Report an error

A wrong number, a step that's hard to follow, a broken link, something that you can't read or
operate: each is a bug, and a report is welcome. Say on which page it is and what you expected. The
repository has a short form for each kind, and `CONTRIBUTING.md` describes how to mend it yourself.
"""


def end_page() -> str:
    """Return the last page."""
    learned = "\n".join(
        "\n  - ".join([f"- [{chapter.title}]({chapter.stem}.ipynb)", *chapter.objectives.values()])
        for chapter in NUMBERED
    )
    cited = yaml.safe_load((ROOT.parent / "CITATION.cff").read_text(encoding="utf-8"))
    author = " and ".join(person["name"] for person in cited["authors"])
    return END.format(learned=learned, author=author, **{k: cited[k] for k in ("title", "version")})

# SPDX-License-Identifier: Apache-2.0
"""The ledger: what the article claims, and what follows from its assumptions."""

from collections import Counter

from audit import VERDICTS, Claim, claims, ledger
from napkin.formulas import ALL
from napkin.quantities.table import Table

from .chapters import BY_MODULE

CLAIMS = """\
# The article, claim by claim

This book follows the path of one article,
[Inference cost at scale with napkin math](https://injuly.in/blog/napkin-inference-cost), and
audits it: each number and formula in it is derived again from its own assumptions, each
statement is held against a derivation. Much of it stands. Where it does not, the reason is
given, and the chapter that shows it. An earlier text of the article is audited as well.

Not every verdict could have come out otherwise. Where a claim repeats what the article gives, such
as CL02 on a prefix or CL45 on the share that is left, the derivation checks transcription only. And
on a statement we judge ourselves: the formula or the table that we judge by is named, but no
program decides.
"""


def chapter_of(claim: Claim) -> str:
    """Return the chapter that derives what settles a claim, as a link."""
    target = claim.row.get("target", "")
    names = [claim.settled_by, *(name for name in ALL if name.rsplit(".", 1)[1] == target)]
    found = [BY_MODULE[name.split(".")[0]] for name in names if name.split(".")[0] in BY_MODULE]
    return found[0].link if found else ""


def claims_page() -> str:
    """Return the ledger of claims."""
    counts = Counter(claim.verdict for claim in claims())
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)
    rows = [
        [*row, entry.version, chapter_of(entry)]
        for row, entry in zip(ledger().rows, claims(), strict=True)
    ]
    header = [*ledger().header, "text", "chapter"]
    return f"{CLAIMS}\n{len(rows)} claims: {told}.\n\n{Table(header, rows)._repr_markdown_()}\n"

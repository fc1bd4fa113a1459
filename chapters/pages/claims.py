# SPDX-License-Identifier: Apache-2.0
"""The ledger: what the article claims, and what follows from its assumptions."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from audit import VERDICTS, Claim, claims
from audit.readings import READINGS
from napkin.formulas import ALL
from napkin.formulas.formula import latex_of
from napkin.quantities.quantity import REGISTRY
from napkin.quantities.table import escaped
from napkin.quantities.value import Value

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
# A sign beside each verdict, so that no color is needed to tell them apart.
SIGNS = dict(zip(VERDICTS, "✓≈◐✗⇄?", strict=True))
TEXTS = {"earlier": "earlier text", "newer": "newer text", "both": "both texts"}


def chapter_of(claim: Claim) -> str:
    """Return the chapter that derives what settles a claim, as a link."""
    target = claim.row.get("target", "")
    names = [claim.settled_by, *(name for name in ALL if name.rsplit(".", 1)[1] == target)]
    found = [BY_MODULE[name.split(".")[0]] for name in names if name.split(".")[0] in BY_MODULE]
    return found[0].named_link if found else ""


def told(text: str) -> str:
    """Return words of the ledger as Markdown, with raised exponents."""
    return re.sub(r"\^(\w+)", r"<sup>\1</sup>", escaped(text))


def joined(values: Sequence[object]) -> str:
    """Return a value, or both ends of a range."""
    return " to ".join(map(str, values))


def in_their_unit(claim: Claim) -> Iterator[str]:
    """Yield what we derive as the article writes numbers, where it writes powers of ten."""
    for printed, value in zip(claim.printed, claim.derived, strict=False):
        written = re.fullmatch(r"[\d.]+e\d+ (\S+)", printed)
        if written and isinstance(value, Value):
            number = re.sub(r"e\+?0*", "e", f"{float(value.to(written[1])):.3g}")
            yield f"{number} {written[1]}"


def finding(claim: Claim) -> str:
    """Say what we derive, or what we judge by."""
    if claim.kind == "number":
        other = joined(claim.other)
        here = f" ({', '.join(plain)})" if (plain := [*in_their_unit(claim)]) else ""
        also = f", or {other} by another of the article's own assumptions" if other else ""
        return joined(claim.derived) + here + also
    if claim.kind == "formula":
        reading = READINGS[claim.row["formula"]]
        ours, theirs = (rf"$\displaystyle {latex_of(e)}$" for e in (reading.ours, reading.article))
        if claim.verdict == "right":
            return f"the same, in our symbols {ours}"
        return f"{ours}, where the article has {theirs} in our symbols"
    if claim.settled_by not in ALL:
        return f"no number; we judge by the table `nk.{claim.settled_by}`"
    target = ALL[claim.settled_by].target.name
    return f"no number; we judge by the formula of `{target}` ({REGISTRY[target].meaning})"


def card(claim: Claim) -> Iterator[str]:
    """Yield the lines of one claim: its verdict first, then what is said, found, and why."""
    verdict = f'<span aria-hidden="true">{SIGNS[claim.verdict]}</span> {claim.verdict.capitalize()}'
    yield f'<li class="claim" id="{claim.id}" data-verdict="{claim.verdict}">\n'
    yield f"**{verdict}**\n<small>{claim.id}, {TEXTS[claim.version]}</small>\n"
    printed = f" (it prints **{joined(claim.printed)}**)" if claim.printed else ""
    yield f"**The article says:** {told(claim.says)}{printed}.\n"
    yield f"**We find:** {finding(claim)}.\n"
    link = chapter_of(claim)
    yield f"**Why:** {told(claim.why)}." + f" {link}." * bool(link) + "\n"
    yield "</li>"


def choices(counts: Counter[str]) -> Iterator[str]:
    """Yield a choice of verdicts; the style sheet hides the others, and no script is needed."""
    yield '<fieldset class="verdicts">\n<legend>Show the claims that are</legend>'
    for index, (verdict, count) in enumerate({"any": counts.total(), **counts}.items()):
        box = f'<input type="radio" name="verdict" value="{verdict}"' + " checked" * (not index)
        yield f"<label>{box}> {SIGNS.get(verdict, '')} {verdict.capitalize()} ({count})</label>"
    yield "</fieldset>\n"


def claims_page() -> str:
    """Return the ledger of claims."""
    found = Counter(claim.verdict for claim in claims())
    counts = Counter({verdict: found[verdict] for verdict in VERDICTS})
    cards = (line for claim in claims() for line in card(claim))
    return "\n".join([CLAIMS, *choices(counts), '<ul class="claims">', *cards, "</ul>"]) + "\n"

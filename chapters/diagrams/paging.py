# SPDX-License-Identifier: Apache-2.0
"""Diagrams of chapter 07: memory reserved or paged, block tables, and the bus stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import ceil
from typing import Final

from napkin.errors import NapkinError
from napkin.formulas import variants
from napkin.quantities.value import Value
from napkin.views.drawing import CACHE, INK, LINE, TROUBLE, Drawing, Style, laid_out
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

_WAYS: Final = (variants.reserved_maximum, variants.paged)
_MOST_SQUARES: Final = 16


def room(n: Napkin) -> Figure:
    """Draw the memory for caches twice: reserved for the longest request, and in pages.

    Parameters
    ----------
    n : Napkin
        A server; its context is what a request holds on average, its reserved length the longest.

    Returns
    -------
    Figure
        Widths are to scale: a stripe is what an average request holds, in both halves.
    """
    expect_napkin(n, "room")
    fits = [float(n.assume(way).concurrent_sequences) for way in _WAYS]
    whole = [int(fit) for fit in fits]
    title = (
        f"{whole[0]:,} requests fit if each reserves room for the longest, and {whole[1]:,} if "
        "memory is handed out in pages"
    )
    alt = (
        f"The same {n.kv_budget} twice. Above, {whole[0]:,} pieces of {n.reserved_length:short}, "
        f"each filled for {n.context:short} only, the rest empty. Below, {whole[1]:,} stripes of "
        "that size fill the memory from end to end."
    )

    def draw(d: Drawing) -> float:
        piece, stripe = d.width / fits[0], d.width / fits[1]
        gap, high, y = (1 if stripe > 3 else 0), 64.0, d.y + 8
        y = d.words(0, y, f"reserved: {n.reserved_length:short} for every request", d.width) - 9
        for place in range(ceil(fits[0])):
            x, last = place * piece, place == whole[0]
            wide = d.width - x if last else piece - 2 * (piece > 12)
            _empty(d, x, y, wide, high, stroke_dasharray="3 3" if last else None)
            if not last:
                d.rect(x, y, max(stripe - gap, 0.5), high, CACHE)
        y = d.words(
            0, y + high + 32, f"pages: a request holds {n.context:short} on average", d.width
        )
        y -= 9
        for place in range(whole[1]):
            d.rect(place * stripe, y, max(stripe - gap, 0.5), high, CACHE)
        said = f"{n.kv_budget} of memory; width is to scale"
        return _legend(d, y + high + 24, said, rest=fits[0] > whole[0])

    return laid_out(draw, title, alt)


def _empty(d: Drawing, x: float, y: float, width: float, height: float, **style: Style) -> None:
    d.box(x, y, width, height, "currentColor", fill_opacity=0.1, stroke_opacity=0.35, **style)


def _legend(d: Drawing, y: float, said: str, *, rest: bool) -> float:
    d.box(0, y - 11, 13, 13, CACHE)
    x = d.text(20, y, "holds tokens") + 24
    _empty(d, x, y - 11, 13, 13)
    x = d.text(x + 20, y, "empty") + 24
    if rest:
        _empty(d, x, y - 11, 13, 13, stroke_dasharray="3 3")
        x = d.text(x + 20, y, "too short") + 24
    y += LINE if d.narrow else 0
    d.text(0 if d.narrow else x, y, said)
    return y + 6


def pages(n: Napkin, requests: Mapping[str, int], memory: int) -> Figure:
    """Draw a small memory twice, a square for each token: reserved, and in pages.

    Parameters
    ----------
    n : Napkin
        Its reserved length is what a request reserves, its block size what a page holds.
    requests : mapping of str to int
        The letter of each request, in the order in which they come, and its tokens.
    memory : int
        Tokens that fit in all: a whole number of reservations.

    Returns
    -------
    Figure
        Squares that hold a token are orange; what finds no room is red.
    """
    expect_napkin(n, "pages")
    reserved, page = _squares(n.reserved_length), _squares(n.block_size)
    held = _held(_tables(requests, page), requests, page)
    free = memory // page - len(held)
    if free < 0:
        raise NapkinError(f"the requests take {len(held)} pages, and there are {memory // page}.")
    held += [[""] * page] * free
    rows = [list(letter * length) for letter, length in requests.items()]
    served, turned_away = rows[: memory // reserved], rows[memory // reserved :]
    share = sum(map(len, served)) / memory
    lengths = ", ".join(map(str, requests.values()))
    title = (
        f"Reserving uses {sum(map(len, served))} of {memory} squares and turns {len(turned_away)} "
        f"of {len(rows)} requests away; in pages all of them fit"
    )
    alt = (
        f"Two grids of {memory} squares, for requests of {lengths} tokens. Reserved: {len(served)} "
        f"pieces of {reserved}, {share:.0%} filled, and {len(turned_away)} request outside. Paged: "
        f"{memory // page} pages of {page} hold all of them, and {free} stays free."
    )

    def draw(d: Drawing) -> float:
        half = d.width if d.narrow else d.width / 2 - 28
        side, top = min(40.0, half / reserved), d.y + 8
        d.text(0, top, f"reserved: {reserved} for each request")
        y = top + 12
        for row in served:
            _row(d, (0, y, side), row + [""] * (reserved - len(row)))
            y += side + 10
        for row in turned_away:
            _row(d, (0, y, side), row, TROUBLE)
            d.text(len(row) * side + 10, y + side / 2 + 5, f"{row[0]} finds no room")
            y += side + 10
        x, top = (0, y + 26) if d.narrow else (d.width - reserved * side, top)
        d.text(x, top, f"pages of {page}, handed out one by one")
        for number, squares in enumerate(held):
            down, across = divmod(number, reserved // page)
            bottom = top + 12 + down * (side + 10)
            _row(d, (x + across * page * side, bottom, side), squares)
        return max(y, bottom + side + 10) - 4

    return laid_out(draw, title, alt)


def block_table(n: Napkin, requests: Mapping[str, int], shared: int = 0) -> Figure:
    """Draw the tables that say in which pages the tokens of each request lie.

    Parameters
    ----------
    n : Napkin
        Its block size is what a page holds.
    requests : mapping of str to int
        The letter of each request, and its tokens.
    shared : int
        Tokens with which all of them begin: their full pages are stored once.

    Returns
    -------
    Figure
        Arrows lead from each entry of a table to its page.
    """
    expect_napkin(n, "block_table")
    page = _squares(n.block_size)
    tables = _tables(requests, page, shared)
    held = _held(tables, requests, page)
    longest = max(requests, key=lambda letter: requests[letter])
    named, token = tables[longest], requests[longest] - 1
    if shared:
        stored = sum(letter != "" for squares in held for letter in squares)
        title = (
            f"{' and '.join(requests)} have {sum(requests.values())} tokens, but only {stored} are "
            f"stored: page {named[0]} is in {len(tables)} tables"
        )
        note = f"Page {named[0]} is free again when no table names it anymore."
    else:
        title = (
            f"The {token + 1} tokens of {longest} lie in pages {' and '.join(map(str, named))}: "
            "its table says so"
        )
        note = (
            f"Token {token} of {longest}, counted from 0: entry {token} // {page} = "
            f"{token // page} names page {named[-1]}, and there it's square {token} % {page} = "
            f"{token % page}."
        )
    listed = "; ".join(
        f"{letter}: {', '.join(map(str, table))}" for letter, table in tables.items()
    )
    alt = (
        "Block tables on the left, pages on the right, with an arrow from each entry to its page. "
        f"{listed}. A page has {page} squares, one for each token."
    )

    def draw(d: Drawing) -> float:
        top, x, side = d.y + 12, (150.0 if d.narrow else 430.0), (30.0 if d.narrow else 40.0)
        d.text(0, top, "block tables")
        d.text(x, top, "pages")
        pitch, top = side + 8, top + 12
        for number, squares in enumerate(held):
            _row(d, (x, top + number * pitch, side), squares)
            d.text(x + page * side + 10, top + number * pitch + side / 2 + 5, f"page {number}")
        entry = min(
            26.0, (len(held) * pitch - 8) / (sum(map(len, tables.values())) + len(tables) * 0.4)
        )
        y = top
        for letter, table in tables.items():
            d.text(0, y + entry / 2 + 5, letter, bold=True)
            plain = letter != longest and not shared
            for number in table:
                d.box(22, y, 40, entry, stroke_opacity=1)
                start, end = y + entry / 2, top + number * pitch + side / 2
                d.text(42, start + 5, str(number), "middle")
                bend = f"C{(66 + x) / 2:.1f} {start:.1f} {(66 + x) / 2:.1f} {end:.1f}"
                d.arrow(
                    f"M66 {start:.1f}{bend} {x - 4} {end:.1f}",
                    *(x - 4, end, 1, 0),
                    stroke_opacity=0.5 if plain else None,
                )
                y += entry
            y += entry * 0.4
        return d.words(0, max(y, top + len(held) * pitch) + 16, note, d.width) - LINE + 8

    return laid_out(draw, title, alt)


def stop(n: Napkin, answers: Sequence[int]) -> Figure:
    """Draw caches that grow one after the other, and buses whose gaps are the same.

    Parameters
    ----------
    n : Napkin
        Its prompt is what each cache begins with.
    answers : sequence of int
        Tokens of each answer, and minutes between the buses.

    Returns
    -------
    Figure
        Lengths are drawn over time, with their average over time and over answers.
    """
    expect_napkin(n, "stop")
    prompt = _squares(n.prompt)
    held = [prompt + step for answer in answers for step in range(answer)]
    mean = sum(answers) / len(answers)
    wait = sum(gap**2 for gap in answers) / 2 / sum(answers)
    over_time, naive = sum(held) / len(held), prompt + (mean - 1) / 2
    title = (
        f"Over time the cache holds {over_time:.4g} tokens, {over_time - naive:.2g} more than the "
        "average answer suggests"
    )
    listed = ", ".join(map(str, held)) if len(held) < 10 else f"{prompt} to {max(held)}"
    alt = (
        f"Minutes until the next bus: gaps of {' and '.join(map(str, answers))} mean a wait of "
        f"{wait:.3g}, not {mean / 2:.3g}. Below, tokens in the cache at each step: "
        f"{listed}, or {sum(held)} in {len(held)} steps. The average answer "
        f"suggests {naive:.4g}."
    )

    def draw(d: Drawing) -> float:
        step, unit = d.width / len(held), 13.0
        y = d.words(0, d.y + 6, "buses: minutes until the next one, if you come now", d.width) - 10
        base = y + max(answers) * unit
        for end, gap in zip(accumulate(answers), answers, strict=True):
            x = (end - gap) * step
            rise = f"M{x:.1f} {base:.1f}V{base - gap * unit:.1f}L{end * step:.1f} {base:.1f}Z"
            d.path(rise, fill="currentColor", fill_opacity=0.12)
            said = f"gap of {gap}" if gap * step > 64 else str(gap)
            d.text((end - gap / 2) * step, base + 18, said, "middle")
            d.line(end * step - 1, base, end * step - 1, base + 22, stroke_width=2)
        d.line(1, base, 1, base + 22, stroke_width=2)
        _averages(d, base, unit, (wait, mean / 2))
        y = _key(d, base + 46, (wait, mean / 2), ("average over time", "half of the average gap"))
        said = "caches: tokens at each step, one request after the other; the prompt is pale"
        y = d.words(0, y + 26, said, d.width) - 10
        base = y + max(held) * unit
        for place, tokens in enumerate(held):
            d.box(place * step, base - prompt * unit, step, prompt * unit, CACHE, fill_opacity=0.5)
            d.box(place * step, base - tokens * unit, step, (tokens - prompt) * unit, CACHE)
            d.text((place + 0.5) * step, base - 6, str(tokens), "middle")
        _averages(d, base, unit, (over_time, naive))
        told = ("average over time", "with the average answer")
        return _key(d, base + 24, (over_time, naive), told)

    return laid_out(draw, title, alt)


def _averages(d: Drawing, base: float, unit: float, values: tuple[float, float]) -> None:
    for value, dashes in zip(values, (None, "5 4"), strict=True):
        height = base - value * unit
        d.line(0, height, d.width, height, stroke_width=2, stroke_dasharray=dashes)


def _key(d: Drawing, y: float, values: tuple[float, float], said: tuple[str, str]) -> float:
    """Say what a full and a dashed line are; return the height so far."""
    x = 0.0
    for value, words, dashes in zip(values, said, (None, "5 4"), strict=True):
        d.line(x, y - 5, x + 26, y - 5, stroke_width=2, stroke_dasharray=dashes)
        end = d.text(x + 34, y, f"{value:.4g}: {words}")
        x, y = (0.0, y + LINE) if d.narrow else (end + 30, y)
    return y + (6 - LINE if d.narrow else 6)


def _row(
    d: Drawing, corner: tuple[float, float, float], held: Sequence[str], fill: str = CACHE
) -> None:
    """Draw a page, or a piece: a square for each place, with the letter of its owner, if any."""
    x, y, side = corner
    for place, letter in enumerate(held):
        left = x + place * side
        if letter:
            d.box(left, y, side, side, fill)
            d.text(left + side / 2, y + side / 2 + 5, letter, "middle", fill=INK[fill])
        else:
            _empty(d, left, y, side, side)
    d.box(x, y, len(held) * side, side, stroke_opacity=1, stroke_width=2)


def _tables(requests: Mapping[str, int], page: int, shared: int = 0) -> dict[str, list[int]]:
    """Hand out pages in turns, as the requests grow; full pages of a common prefix once."""
    tables: dict[str, list[int]] = {letter: [] for letter in requests}
    first, handed_out = next(iter(requests)), 0
    for turn in range(ceil(max(requests.values()) / page)):
        for letter, length in requests.items():
            if letter != first and turn < shared // page:
                tables[letter].append(tables[first][turn])
            elif turn < ceil(length / page):
                tables[letter].append(handed_out)
                handed_out += 1
    return tables


def _held(
    tables: Mapping[str, Sequence[int]], requests: Mapping[str, int], page: int
) -> list[list[str]]:
    """Return whose token lies in each square of each page."""
    held = [[""] * page for _ in range(1 + max(map(max, tables.values())))]
    for letter, table in tables.items():
        for token in range(requests[letter]):
            held[table[token // page]][token % page] += letter
    return held


def _squares(tokens: Value) -> int:
    """Return a count that is small enough for a square each."""
    if tokens.number > _MOST_SQUARES:
        raise NapkinError(
            f"a square for each of {tokens:short}: at most {_MOST_SQUARES} can be drawn."
        )
    return int(tokens.number)

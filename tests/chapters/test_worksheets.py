"""The worksheet that checks an exercise is the one that its text names.

The first model, GPU and precision of the text and its numbers stand in the worksheet, and that
has nothing else, but what the text takes over from its chapter or from the exercise before.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

import napkin as nk
from napkin.catalog import BYTES, Model, table
from napkin.lessons import Exercise, chapters
from napkin.quantities.given import coherent

from .test_exercises import TWINS

NAMES: Final = {
    "model": [*table("models")],
    "accelerator": [
        name
        for chip, row in table("accelerators").items()
        for name in (chip, *row.get("aliases", ()))
    ],
    "precision": [*BYTES],
}
VARIANTS: Final = {
    "hardware.dense_peak": "dense",
    "own": "lives",
    "binomial": "counted exactly",
    "idle_resident": "resident",
    "idle_offloaded": "offloaded",
    "idle_recomputed": "recomputed",
    "speculative": "guesses",
}
DEFAULT: Final = 0.01  # "Numbers may be off by one percent", each chapter says
COUNTS: Final = ("two", "three", "four", "five", "six", "seven", "eight", "nine")
PLAIN: Final = {  # what people write, as the package reads it
    r"`[^`]*`|\bStep \d|between 0 and 1": "",
    r" an? (hour|second)\b": r"/\1",
    r"a kilowatt-hour costs ([\d.]+ USD)": r"\1/kWh",
    r"\bthree years of 8,760 hours": "26,280 hours",
    r"\bhalf a minute": "30 s",
    r"\ba minute": "60 s",
    r"\bafter/second": "after 1 s",
    r"\ba quarter of a percent": "0.25%",
    r"\bhalf a percent": "0.50%",
    r"\bone percent": "1%",
    r" percent": "%",
    r"\ba fifth": "0.2",
    r"\btwenty\b": "20",
    **{rf"\b{word}\b": str(count) for count, word in enumerate(COUNTS, start=2)},
}
NUMBER: Final = re.compile(
    r"(?<![\w.-])\d+(?:,\d{3})*(?:\.\d+)?"
    r"(?: billion|%| (?:GiB|[GT]B|TFLOP|ms|s|k?W|hours?|USD)\b[/\w]*)?"
)


def texts() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each exercise's number, its text and the worksheet of its chapter."""
    for twin in TWINS:
        chapter = twin.read_text(encoding="utf-8")
        opening = re.search(r"^n = nk\.Napkin\([^)]*\)", chapter, re.MULTILINE)
        assert opening, f"{twin.name} opens no worksheet"
        (call,) = (node for node in ast.walk(ast.parse(opening[0])) if isinstance(node, ast.Call))
        worksheet = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
        for number, text in re.findall(
            r"^\*\*(\d+\.\d+) .*?\(.*?\)\. (.*)$", chapter, re.MULTILINE
        ):
            yield number, text, worksheet


def flat(asked: Exercise) -> dict[str, Any]:
    """Return what an exercise's worksheet was called with, bundles left out."""
    given = {**asked.worksheet, **asked.worksheet.get("givens", {})}
    return {name: value for name, value in given.items() if name not in ("givens", "variants")}


ASKED: Final = {number: asked for found in chapters().values() for number, asked in found.items()}
TEXTS: Final = {number: (text, chapter) for number, text, chapter in texts()}
IN_NUMBERS: Final = [number for number, asked in ASKED.items() if asked.kind == "number"]


def taken_over(number: str) -> Mapping[str, Any]:
    """Return the worksheet that an exercise's text points back to."""
    text, chapter = TEXTS[number]
    if re.search(r"this chapter|as it opens", text):
        return chapter
    if re.search(r"\bsuch\b|would it be", text):
        return flat(ASKED[list(ASKED)[list(ASKED).index(number) - 1]])
    return {}


def named(kind: str, text: str) -> str:
    """Return the first name of a kind that a text has, or nothing."""
    ignore = re.IGNORECASE if kind == "precision" else re.NOFLAG
    names = "|".join(re.escape(name) for name in NAMES[kind])
    found = re.search(rf"(?<![\w-])({names})(?![\w-])", text, ignore)
    return next((name for name in NAMES[kind] if found and found[0] in (name, name.upper())), "")


def reads_as(name: str, value: object, other: object) -> bool:
    """Say whether two ways to write a quantity mean the same."""
    try:
        return bool(coherent(name, value) == coherent(name, other))
    except nk.NapkinError:
        return False


def disagreements(number: str, asked: Exercise) -> list[str]:
    """Return where the worksheet of an exercise and its text are not the same."""
    text, base, given = TEXTS[number][0], taken_over(number), flat(asked)
    fitted = "calibrated=True" in text
    used = {kind: str(given.pop(kind, None)) for kind in NAMES}
    said = {kind: named(kind, text) or str(base.get(kind)) for kind in NAMES}
    if said["precision"] != "None":  # a cache is in BF16 unless another precision is given
        used["kv_precision"], said["kv_precision"] = (
            given.pop("kv_precision", "bf16" if "model" in asked.worksheet else said["precision"]),
            said["precision"],
        )
    found = [f"{kind}: {used[kind]}, not {said[kind]}" for kind in said if used[kind] != said[kind]]
    if given.pop("calibrated", False) is not fitted:
        found.append("calibrated=True is in one of them only")
    for pattern, plain in PLAIN.items():
        text = re.sub(pattern, plain, text, flags=re.IGNORECASE)
    numbers = set(NUMBER.findall(text))
    known = Model.from_config(used["model"]).givens if used["model"] != "None" else {}
    meant = {
        *(word for word in numbers if re.search(rf"\b{word}\b", asked.answer)),
        *(word for word in numbers for name in known if reads_as(name, known[name], word)),
    }
    for name, value in given.items():
        same = {word for word in numbers if reads_as(name, value, word)}
        if not same and not reads_as(name, value, base.get(name)):
            found.append(f"{name}={value} is not in the text")
        meant |= same
    for bundle in asked.worksheet.get("variants", ()):
        if VARIANTS[bundle] not in text:
            found.append(f"{bundle} is not in the text")
    if asked.tolerance != DEFAULT:
        meant.add(f"{asked.tolerance:.2%}")
    return [*found, *(f"the worksheet has no {word}" for word in numbers ^ meant)]


@pytest.mark.parametrize("number", IN_NUMBERS)
def test_a_text_names_the_worksheet_that_checks_it(number: str) -> None:
    assert disagreements(number, ASKED[number]) == []


def others(asked: Exercise) -> Iterator[Exercise]:
    """Yield an exercise with one entry of its worksheet changed or added."""
    given = flat(asked)
    variants = {"variants": asked.worksheet.get("variants", ())}
    for name, value in given.items():
        other = next((n for n in reversed(NAMES.get(name, ())) if n != value), None)
        changed = other or (f"7{value}" if isinstance(value, str) else 7 * value)
        yield replace(asked, worksheet=given | variants | {name: changed})
    yield replace(asked, worksheet=given | variants | {"block_size": 77})
    yield replace(asked, tolerance=0.077)


@pytest.mark.parametrize("number", IN_NUMBERS)
def test_another_worksheet_is_noticed(number: str) -> None:
    for other in others(ASKED[number]):
        assert disagreements(number, other), other.worksheet

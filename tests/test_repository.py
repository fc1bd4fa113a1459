# SPDX-License-Identifier: Apache-2.0
"""What the repository promises about itself: pins, dependencies, targets, its address."""

import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PINS = ["binder/requirements.txt", "tests/requirements.txt"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pinned(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", read(name), re.MULTILINE))


def tracked() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("this is not a git clone")
    return [name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("name", PINS)
def test_pins_carry_versions_and_hashes(name: str) -> None:
    entries = re.split(r"^(?=[a-z0-9])", read(name), flags=re.MULTILINE)[1:]
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[a-z0-9.-]+==\S+ (; .+ )?\\\n", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("name", PINS)
def test_pins_name_no_address(name: str) -> None:
    assert not re.search(r"://|--?(index|find|extra|trusted)| @ |^-", read(name), re.MULTILINE)


def test_tests_run_on_the_versions_of_the_book() -> None:
    book, tests = (pinned(name) for name in PINS)
    assert book.items() <= tests.items()


def test_pins_cover_what_is_declared() -> None:
    declared = tomllib.loads(read("pyproject.toml"))
    groups = declared["dependency-groups"]
    wanted = [*declared["project"]["dependencies"], *groups["book"], *groups["test"]]
    names = {re.split(r"[<>=~!;\[ ]", line)[0].lower() for line in wanted}
    assert names <= pinned("tests/requirements.txt").keys()


def test_each_dependency_has_a_bound_and_a_reason() -> None:
    text = read("pyproject.toml")
    declared = tomllib.loads(text)
    project, groups = declared["project"], declared["dependency-groups"].values()
    extras = project["optional-dependencies"].values()
    for wanted in chain(project["dependencies"], *extras, *groups):
        assert [bound.operator for bound in Requirement(wanted).specifier] == [">="], wanted
        rest_of_line = text.split(f'"{wanted}"', 1)[1].splitlines()[0]
        assert rest_of_line.partition("#")[2].strip(), f"{wanted}: say what it is for"


def test_help_lists_each_target() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    targets = re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE)
    assert {line.split()[0] for line in shown.stdout.splitlines()} == set(targets)


def test_the_address_stands_in_one_place() -> None:
    """In myst.yml, and in the badge that is made of it, which no page can compute."""
    (address,) = re.findall(r"^ +github: https://[^/]+/(\S+)$", read("myst.yml"), re.MULTILINE)
    (tag,) = re.findall(r"^ +ref: (\S+)", read("myst.yml"), re.MULTILINE)
    badge = f"https://mybinder.org/v2/gh/{address}/{tag}?urlpath=lab/tree/chapters/00-tour.ipynb"
    assert f"]({badge})" in read("README.md"), "the README's badge opens the tour on Binder"
    repeats = set()
    for name in tracked():
        try:
            text = read(name)
        except UnicodeDecodeError:
            continue
        if address in (text.replace(badge, "") if name == "README.md" else text):
            repeats.add(name)
    assert repeats <= {"myst.yml"}, "write a relative link, or point to myst.yml"


def test_there_is_a_form_for_each_kind_of_report() -> None:
    kinds = {"wrong-number", "unclear-step", "broken-link", "barrier"}
    assert {path.stem for path in FORMS} == kinds | {"config"}
    config = read(".github/ISSUE_TEMPLATE/config.yml")
    assert yaml.safe_load(config) == {"blank_issues_enabled": True}
    for kind in kinds:
        assert kind.replace("-", " ") in read("CONTRIBUTING.md")


@pytest.mark.parametrize(
    "path", [path for path in FORMS if path.stem != "config"], ids=lambda path: path.stem
)
def test_a_form_asks_for_what_helps(path: Path) -> None:
    """As GitHub's schema of issue forms wants it, or the form is not shown at all."""
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert form.keys() == {"name", "description", "title", "body"}
    assert all(isinstance(form[key], str) and form[key].strip() for key in form if key != "body")
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert any(field.get("validations", {}).get("required") is True for field in fields)
    for field in form["body"]:
        told = field["attributes"]
        assert all(isinstance(text, str) and text.strip() for text in told.values())
        if field["type"] == "markdown":
            assert told.keys() == {"value"}
            continue
        assert field["type"] in {"input", "textarea"}
        assert field.keys() <= {"type", "id", "attributes", "validations"}
        assert told.keys() <= {"label", "description", "placeholder"} and told["label"]
    for several in ([f["id"] for f in fields], [f["attributes"]["label"] for f in fields]):
        assert len(set(several)) == len(several)
    assert all(re.fullmatch(r"[\w-]+", field["id"]) for field in fields)

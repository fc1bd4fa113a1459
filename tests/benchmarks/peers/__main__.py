"""Napkin beside its peers: ``python -m tests.benchmarks.peers ROWS.csv --out PREDICTIONS.csv``.

Rows are those of `nk.measure`, the book's unless a file is named; the metric is the time between
two tokens of a request. The first run makes an environment for each peer, under ``_build/peers``,
which takes minutes and 2 GB. Napkin's constants were fitted on the book's rows, and those of
aiconfigurator were measured by its makers, kernel by kernel, on newer engines than the rows.
"""

from __future__ import annotations

import csv
import random
from argparse import ArgumentParser
from pathlib import Path

from tests.benchmarks.peers.environments import PEERS, NotInstalledError, ask, python_of
from tests.benchmarks.peers.rows import beating, napkin_answers, told
from tests.benchmarks.peers.scores import each_alone, in_pairs, reasons
from tests.measured.book import BOOK


def main() -> None:
    """Ask everyone, and print who is how far off."""
    parser = ArgumentParser(prog="python -m tests.benchmarks.peers", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=BOOK, help="measured rows")
    parser.add_argument("--out", type=Path, help="a file for the prediction of each row")
    parser.add_argument("--sample", type=int, help="so many rows only, chosen by seed 0")
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--by", nargs="+", default=["source", "gpu", "model"], metavar="COLUMN")
    asked = parser.parse_args()
    with asked.file.open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    places = [i for i, row in enumerate(read) if row["metric"] == "tpot"]
    total, ours = len(places), napkin_answers(read)
    if asked.sample and asked.sample < total:
        places = sorted(random.Random(0).sample(places, asked.sample))
    rows = [read[i] for i in places]
    answers = {name: [found[i] for i in places] for name, found in ours.items()}
    for name in asked.peers:
        requirement, module = PEERS[name]
        try:
            answers[name] = ask(python_of(name, requirement), module, name, list(map(told, rows)))
        except NotInstalledError as reason:
            print(f"{requirement} does not install: {reason}")
    beat = {name: beating(rows, found) for name, found in answers.items()}
    print(f"\n{len(rows)} of {total} rows\n{each_alone(rows, answers, beat)}")
    print("\nBelow: mean and median error in percent, mean factor, on the rows that all answer.")
    for name in [name for name in answers if name not in ours]:
        print(f"\n{PEERS[name][0]}", *reasons(answers[name]), sep="\n  ")
        for column in asked.by:
            print(f"\n{in_pairs(rows, answers, name, list(ours), column)}")
    if asked.out:
        with asked.out.open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(
                [*read[0], *(f"{name}{of}" for name in answers for of in (" s", " why"))]
            )
            for i, row in enumerate(rows):
                each = [found[i] for found in answers.values()]
                cells = [a.get(what, "") for a in each for what in ("tpot", "reason")]
                lines.writerow([*row.values(), *cells])


if __name__ == "__main__":
    main()

"""Write measured data in the columns that `nk.measure` reads: one file, or the book's rows."""

import csv
import sys

from . import COLUMNS, FILES, rows
from .book import BOOK, served
from .pairs import PAIRS, paired

if sys.argv[1:] == [BOOK.stem]:
    served()
    sys.exit()
if sys.argv[1:] == [PAIRS.stem]:
    paired()
    sys.exit()
if len(sys.argv) != 2 or sys.argv[1] not in FILES:
    names = ", ".join((BOOK.stem, PAIRS.stem, *FILES))
    sys.exit(f"name one of {names}, as in: python -m tests.measured serving")
kept, left_out = rows(sys.argv[1])
table = csv.DictWriter(sys.stdout, COLUMNS, restval="", lineterminator="\n")
table.writeheader()
table.writerows(kept)
sys.stderr.writelines(f"{count:6} left out: {reason}\n" for reason, count in left_out.items())

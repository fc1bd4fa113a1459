"""placeholder"""

from typing import Any


def read_rows(path: Any) -> list[dict[str, Any]]:
    raise NotImplementedError

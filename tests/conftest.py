"""Property tests draw the same examples in every run, and leave no files behind."""

import gc

from hypothesis import settings

settings.register_profile("same", derandomize=True, database=None, deadline=None, max_examples=60)
settings.load_profile("same")


def pytest_collection_finish() -> None:
    """Spare the collector all formulas and tests, which live as long as the process."""
    gc.freeze()
    gc.set_threshold(100_000)

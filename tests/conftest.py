"""Property tests draw the same examples in every run, and leave no files behind."""

from hypothesis import settings

settings.register_profile("same", derandomize=True, database=None, deadline=None, max_examples=60)
settings.load_profile("same")

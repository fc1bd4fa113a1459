"""Other calculators of inference cost, run beside Napkin on the same measured rows.

Each lives in a virtual environment of its own, and none is a dependency of the project.
"""

"""The worksheet: what is assumed, which formulas hold, and their values."""

"""What symbols mean: notation, units, and values that carry them."""

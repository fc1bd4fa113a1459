"""What one asks of a worksheet: a file for each verb."""

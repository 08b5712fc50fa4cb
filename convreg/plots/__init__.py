"""The figures: a table in, a Figure out."""

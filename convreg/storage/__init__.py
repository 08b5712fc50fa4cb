"""What is kept: the tables behind the figures, the results of a notebook, files that are whole."""

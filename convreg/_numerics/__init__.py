"""How products with M are made fast; nobody has to read it to understand the paper."""

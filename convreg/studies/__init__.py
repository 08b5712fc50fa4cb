"""Beyond the method: what Section 1 names beside it, the barrier, square M, layers, training."""

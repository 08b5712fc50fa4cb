"""Beyond the method: what Section 1 names beside it, the barrier, the square case, layers, training."""

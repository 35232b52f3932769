"""Branch and bound: the best point of a lattice, with a proof that there is none below it."""

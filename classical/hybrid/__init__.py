"""The annealer trains on all the data: simplicial decomposition over rows, duals and ranks."""

"""The exact dual solver: decomposition over ranks, pair steps inside."""

"""The machine: ranks, threads, memory, files, and compiled loops."""

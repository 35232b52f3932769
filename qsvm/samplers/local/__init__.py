"""Samplers of the bits on this machine, and the null controls."""

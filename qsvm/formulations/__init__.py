"""Formulations: what is asked of a sampler, and what its samples mean."""

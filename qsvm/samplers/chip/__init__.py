"""Quantum annealers' chips: cliques, packing, embedding, and a rehearsal without account."""

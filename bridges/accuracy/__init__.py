"""How good a map is and where: probability samples, estimates with errors, applicability."""

"""Samplers of SVM duals; the only place where D-Wave's libraries are met."""

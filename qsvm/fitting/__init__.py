"""From training sets to fitted values: sampling, refinement, diagnostics."""

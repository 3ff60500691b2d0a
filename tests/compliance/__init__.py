"""The RFCs that the package implements: one module for each, each test bound to its clauses."""

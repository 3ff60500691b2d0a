"""What tot_jwt costs, beside its peers and under load. Not part of the package that is installed."""

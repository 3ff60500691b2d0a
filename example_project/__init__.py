"""An example host: a small shop's API behind tot_jwt."""

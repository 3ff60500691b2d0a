"""Benchmarks of tot_jwt and of similar packages. The installed package does not contain them."""

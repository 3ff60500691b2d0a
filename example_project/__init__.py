"""An example of a host: the API of a small shop, protected by tot_jwt."""

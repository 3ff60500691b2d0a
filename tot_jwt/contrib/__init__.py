"""What connects tot_jwt to other packages and to servers. Most modules need an extra."""

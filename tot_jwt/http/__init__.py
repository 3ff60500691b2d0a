"""The border to HTTP: strict reading of requests, the client's address, errors and challenges."""

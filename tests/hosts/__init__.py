"""A host with packages that expect a row of the user table, or change how DRF reads and answers."""

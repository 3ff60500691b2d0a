"""Rows of the CSV file that `import_keys` reads."""

HEADER = "domain,public,secret,name,environment,scopes"
#: The beginning of the message for a file without a valid header.
HEADER_ERROR = "Line 1: the header must name the columns"
SECRET = "an old secret of 32 characters.."


def row(number: int, **cells: str) -> str:
    """Return a valid row; the number makes its public key and its secret unique.

    A keyword argument replaces the cell of that column.
    """
    values = {
        "domain": "myapp.com",
        "public": f"old{number}",
        "secret": f"{SECRET}{number}",
        **cells,
    }
    return ",".join(values.get(column, "") for column in HEADER.split(","))

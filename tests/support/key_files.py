"""CSV files of existing keys, as an operator imports them."""

from typing import Any

HEADER = "domain,public,secret,name,environment,scopes"
#: All columns.
FULL_HEADER = (
    "domain,public,secret,secret_hash,name,environment,scopes,expires_at,allowed_ips,"
    "can_issue_tokens,status,rate_limit"
)
SECRET = "an old secret of 32 characters.."
#: The message about a wrong header.
HEADER_ERROR = "Line 1: the header must name the columns"


def row(number: int, **cells: str) -> str:
    """Return a valid row, with cells replaced; each number makes another key."""
    given = {
        "domain": "myapp.com",
        "public": f"old{number}",
        "secret": f"{SECRET}{number}",
        **cells,
    }
    return ",".join(given.get(column, "") for column in HEADER.split(","))


def full_row(number: int, **cells: str) -> str:
    """Return a valid row of all columns. A `secret_hash` takes the place of the secret."""
    secret = "" if cells.get("secret_hash") else f"{SECRET}{number}"
    given = {"domain": "myapp.com", "public": f"old{number}", "secret": secret, **cells}
    return ",".join(given.get(column, "") for column in FULL_HEADER.split(","))


def bad_rows(report: Any) -> list[tuple[int, str]]:
    """Return line and reason of each bad row of an import."""
    return [(bad_row.line, bad_row.reason) for bad_row in report.bad_rows]

"""The backend of the database."""

from typing import Any

from django.db import ProgrammingError
from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to SQLite that notes in which schema it wrote."""

    #: All schemas in which any connection wrote.
    written: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.schema_name = "public"
        self.execute_wrappers.append(self._note)

    def set_schema(self, name: str) -> None:
        """Use the schema from now on."""
        self.schema_name = name

    def _note(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.schema_name == "dropped":
            raise ProgrammingError("no such table")
        if sql.startswith("INSERT"):
            self.written.append(self.schema_name)
        return execute(sql, params, many, context)

"""Structured logs: one JSON object a line."""

import json
import logging
from datetime import UTC, datetime

#: The attributes of every record. The others come from `extra`.
STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
#: Django adds the request, whose text shows the query. The query may hold a secret.
HIDDEN = {"request"}


class JsonFormatter(logging.Formatter):
    """Formatter that writes time, level, logger, message, the fields of `extra` and a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        left_out = STANDARD | HIDDEN
        extra = {name: value for name, value in vars(record).items() if name not in left_out}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(extra | line, default=str)

"""JSON that a client sends as a form: ``curl -d`` does so unless the client sets Content-Type."""

import codecs
import re
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict
from django.views.decorators.debug import sensitive_variables

from tot_jwt.exceptions import InvalidRequest

# A byte order mark, white space and an opening brace. Some clients escape them.
_START = re.compile(rb"(?:\xef\xbb\xbf|%EF%BB%BF)?(?:\s|\+|%20|%0[9AD])*+(?:\{|%7B)", re.IGNORECASE)


class JSONSentAsForm(InvalidRequest):
    """The body is JSON, and its content type says that it is a form."""

    detail = "The body is JSON: send it with the header Content-Type: application/json"


@sensitive_variables()
def object_in_form(body: bytes) -> bytes | None:
    """Return the JSON object that the form is, without escapes, or None if it is a form."""
    if not _START.match(body):
        return None
    text = unquote_to_bytes(body).removeprefix(codecs.BOM_UTF8).strip().removesuffix(b"=")
    return text if text.endswith(b"}") else None


def reject_json(request: HttpRequest) -> InvalidRequest:
    """Return the error, and remove the form from the request.

    A parser of forms takes the JSON for the name of a field, and error reports hide only values.
    """
    vars(request).update(_post=QueryDict(), _files=MultiValueDict())
    return JSONSentAsForm("json_as_form")

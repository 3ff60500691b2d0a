"""The error responses, made from the exceptions that cause them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from rest_framework.exceptions import APIException, NotAuthenticated

from tot_jwt import exceptions
from tot_jwt.contrib.spectacular.access import Credentials
from tot_jwt.contrib.spectacular.schemes import Schema
from tot_jwt.exceptions import TotJWTError
from tot_jwt.http.errors import ApiError
from tot_jwt.http.reading import REQUIRED
from tot_jwt.rules.scopes import KEYS_MANAGE

#: Our exception → DRF's, with status, body and challenge: ApiError or OAuthError.
Translate = Callable[[TotJWTError], APIException]
#: An exception, or its class if it needs no arguments.
Error = type[TotJWTError] | TotJWTError

INVALID_FIELDS = exceptions.InvalidFields({"appDomain": [REQUIRED]})
TOO_MANY_REQUESTS = exceptions.TooManyRequests(60)
INSUFFICIENT_SCOPE = exceptions.InsufficientScope([KEYS_MANAGE])

INVALID_TOKENS: tuple[Error, ...] = (
    exceptions.MalformedToken,
    exceptions.InvalidToken,
    exceptions.ExpiredToken,
    exceptions.RevokedToken,
)
TOKEN_ERRORS: tuple[Error, ...] = (
    exceptions.InvalidRequest,
    exceptions.CredentialsRequired,
    *INVALID_TOKENS,
    exceptions.InsufficientPermissions,
    exceptions.ServiceUnavailable,
)
BODY_ERRORS: tuple[Error, ...] = (
    exceptions.InvalidRequest,
    INVALID_FIELDS,
    exceptions.LengthRequired,
    exceptions.RequestTooLarge,
    exceptions.UnsupportedContentType,
)

#: What API clients may get from each view of a host beside 401, by the name of the response.
_VIEW_ERRORS: dict[str, tuple[Error, ...]] = {
    "TotBadRequest": (exceptions.InvalidRequest,),
    "TotForbidden": (
        exceptions.InsufficientPermissions,
        exceptions.InsufficientScope(["orders:read"]),
    ),
    "TotTooManyRequests": (TOO_MANY_REQUESTS,),
    "TotUnavailable": (exceptions.ServiceUnavailable,),
}

_FIELD_ERRORS: Schema = {
    "type": "object",
    "description": "The errors by field.",
    "additionalProperties": {"type": "array", "items": {"type": "string"}},
}
#: DRF's own errors have no `code`.
_VIEW_ERROR: Schema = {
    "type": "object",
    "required": ["detail"],
    "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
}
_RETRY_AFTER: Schema = {
    "Retry-After": {
        "schema": {"type": "integer"},
        "required": True,
        "description": "Seconds to wait.",
    }
}

#: What ApiKeyThrottle adds to each response of a view.
_RATE_LIMIT: Schema = {
    "RateLimit-Policy": {
        "schema": {"type": "string"},
        "description": 'The limit, for example `"key";q=600;w=60`.',
    },
    "RateLimit": {
        "schema": {"type": "string"},
        "description": 'What is left of it, for example `"key";r=0;t=17`.',
    },
}


def responses(errors: Iterable[Error], translate: Translate = ApiError) -> dict[str, Schema]:
    """Return the responses for these errors, by status."""
    by_status: dict[int, list[APIException]] = defaultdict(list)
    for error in dict.fromkeys(errors):
        translated = translate(error() if isinstance(error, type) else error)
        by_status[translated.status_code].append(translated)
    found = {}
    for status, translations in sorted(by_status.items()):
        bodies = [_plain(each.detail) for each in translations]
        found[str(status)] = _response(translations, bodies, _schema(bodies))
    return found


def view_responses(credentials: Credentials) -> dict[str, tuple[str, Schema]]:
    """Return the responses that a host's view adds for API clients: by status, with their names."""
    found = {"401": _unauthorized(credentials)}
    for name, errors in _VIEW_ERRORS.items():
        translations = [_translated(each) for each in errors]
        bodies = [_plain(each.detail) for each in translations]
        status = str(translations[0].status_code)
        # The view's own errors of status 400 can be any JSON.
        response = _response(translations, bodies, {} if status == "400" else _VIEW_ERROR)
        if status == "429":
            response["headers"] = response["headers"] | _RATE_LIMIT
        found[status] = (name, response)
    return found


def _unauthorized(credentials: Credentials) -> tuple[str, Schema]:
    """Return the response 401, and its name, which is another for other credentials."""
    names, errors = ["TotUnauthorized"], [_anonymous(is_strict=credentials.is_strict)]
    if credentials.has_tokens:
        names.append("StrictToken" if credentials.is_strict else "Token")
        errors += map(_translated, INVALID_TOKENS)
    if credentials.has_keys:
        names.append("Key")
        errors.append(_translated(exceptions.InvalidCredentials))
    bodies = [_plain(each.detail) for each in errors]
    return "".join(names), _response(errors, bodies, _VIEW_ERROR)


def _anonymous(*, is_strict: bool) -> APIException:
    """Return the error of a request without credentials. DRF sends its own without `code`."""
    error: Any = ApiError(exceptions.CredentialsRequired())
    if not is_strict:
        error.detail = {"detail": NotAuthenticated().detail}
    return error  # type: ignore[no-any-return]


def _translated(error: Error) -> APIException:
    return ApiError(error() if isinstance(error, type) else error)


def _response(
    errors: Iterable[APIException], bodies: list[dict[str, Any]], schema: Schema
) -> Schema:
    headers = _headers(list(errors))
    return {
        "description": "\n".join(dict.fromkeys(map(_line, bodies))),
        **({"headers": headers} if headers else {}),
        "content": {
            "application/json": {
                "schema": schema,
                "examples": {_name(body): {"value": body} for body in bodies},
            }
        },
    }


def _headers(errors: list[Any]) -> Schema:
    headers: Schema = {}
    challenges = [error.auth_header for error in errors]
    if any(challenges):
        shown = dict.fromkeys(f"`{each}`" for each in challenges if each)
        headers["WWW-Authenticate"] = {
            "schema": {"type": "string"},
            "description": f"For example {', or '.join(shown)}.",
        }
    if all(error.wait is not None for error in errors):
        headers |= _RETRY_AFTER
    return headers


def _schema(bodies: list[dict[str, Any]]) -> Schema:
    """Return the schema of ``{"detail", "code"}``, or of OAuth's two members."""
    coded = [body for body in bodies if not _has_fields(body)]
    code, text = ("code", "detail") if "code" in coded[0] else ("error", "error_description")
    schema = {
        "type": "object",
        "required": [text, code],
        "properties": {
            text: {"type": "string"},
            code: {"type": "string", "enum": list(dict.fromkeys(body[code] for body in coded))},
        },
        "additionalProperties": False,
    }
    return schema if len(coded) == len(bodies) else {"oneOf": [schema, _FIELD_ERRORS]}


def _plain(detail: Any) -> dict[str, Any]:
    """Return the body without DRF's subclasses of its types."""
    return {
        str(name): list(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in detail.items()
    }


def _has_fields(body: dict[str, Any]) -> bool:
    return any(isinstance(value, list) for value in body.values())


def _name(body: dict[str, Any]) -> str:
    if _has_fields(body):
        return "fields"
    return body.get("code") or body.get("error") or NotAuthenticated.default_code


def _line(body: dict[str, Any]) -> str:
    if _has_fields(body):
        return "- The errors by field."
    text = body.get("detail") or body.get("error_description")
    return f"- `{_name(body)}`: {text}"

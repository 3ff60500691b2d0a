"""What the operations of the endpoints are made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tot_jwt.contrib.spectacular.bodies import ref
from tot_jwt.contrib.spectacular.errors import Error, Translate, responses
from tot_jwt.contrib.spectacular.examples import EXAMPLES
from tot_jwt.contrib.spectacular.schemes import Schema
from tot_jwt.http.errors import ApiError
from tot_jwt.http.reading import JSON

Requirements = Callable[[], list[Schema]]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of an endpoint."""

    #: The `operationId`.
    name: str
    tag: str
    summary: str
    description: str = ""
    #: The status of success → the components that its body may be.
    success: Mapping[int, Sequence[str]]
    errors: Sequence[Error] = ()
    translate: Translate = ApiError
    #: The media type of the request → the component of its body.
    body: Mapping[str, str] | None = None
    is_body_optional: bool = False
    parameters: Sequence[Schema] = ()
    security: Requirements = list
    #: The names of operations on the key in the response.
    links: Sequence[str] = ()

    def schema(self) -> Schema:
        """Return the operation object."""
        schema: Schema = {
            "operationId": self.name,
            "summary": self.summary,
            "tags": [self.tag],
            "security": self.security(),
            "responses": {
                **{str(status): self._success(names) for status, names in self.success.items()},
                **responses(self.errors, self.translate),
            },
        }
        if self.description:
            schema["description"] = self.description
        if self.parameters:
            schema["parameters"] = list(self.parameters)
        if self.body is not None:
            schema["requestBody"] = {
                "content": {kind: _media(name) for kind, name in self.body.items()},
                "required": not self.is_body_optional,
            }
        return schema

    def _success(self, components: Sequence[str]) -> Schema:
        if not components:
            return {"description": "Done. The response has no body."}
        media: dict[str, Any] = _media(components[0])
        if len(components) > 1:
            media["schema"] = {"oneOf": [ref(name) for name in components]}
            media["examples"] = {name: {"value": EXAMPLES[name]} for name in components}
            media.pop("example")
        response: Schema = {"description": "Success.", "content": {JSON: media}}
        if self.links:
            response["links"] = {name: _link(name) for name in self.links}
        return response


def parameter(name: str, schema: Schema, description: str, place: str = "query") -> Schema:
    """Return a parameter object."""
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "schema": schema,
        "description": description,
    }


def _link(name: str) -> Schema:
    return {"operationId": name, "parameters": {"totApiKey": "$response.body#/totApiKey"}}


def _media(component: str) -> Schema:
    schema: Schema = {"schema": ref(component)}
    if component in EXAMPLES:
        schema["example"] = EXAMPLES[component]
    return schema

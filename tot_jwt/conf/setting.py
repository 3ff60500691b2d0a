"""One setting: its default, its check and its documentation, and where its value comes from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.conf import settings as host_settings

T = TypeVar("T")


@dataclass
class Setting(Generic[T]):
    """One setting: its name is the attribute's name, its type the default's type."""

    default: T
    #: The system check that reports a value which `accepts` rejects.
    check_id: str
    accepts: Callable[[Any], bool]
    #: The accepted values, in words.
    hint: str
    #: The setting's line in the documentation.
    doc: str
    name: str = field(init=False)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type) -> T:
        value: T = user_settings().get(self.name, self.default)
        return value


def user_settings() -> Mapping[str, Any]:
    """Return ``TOT_JWT`` as the host wrote it."""
    mapping: Mapping[str, Any] = getattr(host_settings, "TOT_JWT", {})
    return mapping

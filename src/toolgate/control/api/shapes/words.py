"""What all bodies and answers have in common: no field that is not in the document, and a word on each that is."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Item = TypeVar("Item")


class Asked(BaseModel):
    """A body. Values are of the very type: `"1"` is no number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class Shown(BaseModel):
    """An answer. A field that is not in the document makes it fail: what is not meant to be shown is not."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Page(Shown, Generic[Item]):
    """A part of a list."""

    model_config = ConfigDict(json_schema_extra={"description": "A part of a list."})

    items: list[Item]
    """In the order of the list."""
    next: str | None
    """The `cursor` of the next page; null on the last one."""

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """`ServerPage` in the document, in place of `Page_Server_`."""
        return f"{params[0].__name__}Page"

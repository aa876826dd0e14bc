"""The record that a batch leaves beside the products of a block, and how it is read back.

It is input like any other: a folder may come from somebody else. What does not fit proves nothing,
and the block is run again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crmasks_widgets.products.names import PRODUCT_NAMES
from crmasks_widgets.regular_files import read_head

RECORD_NAME: Final = "block.json"
Record = Mapping[str, Any]
_MOST_BYTES: Final = 16 * 2**20

_Count = Annotated[int, Field(ge=0)]
_Text = Annotated[str, Field(max_length=10_000)]
_Checksum = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_ProductName = Annotated[str, Field(pattern=f"^(?:{PRODUCT_NAMES.pattern})$")]
_CountName = Annotated[
    str, Field(pattern=r"^(hits|MEDIANCR|MEANCRT|CRMASK\d{1,9}|masked in every exposure)$")
]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _Request(_Strict):
    uuid: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    figures: bool


class _Fingerprint(_Strict):
    bytes: _Count
    sha256: _Checksum


class _Known(_Strict):
    """What a batch writes; a run that was ended has left its request only."""

    request: _Request
    version: Annotated[str, Field(pattern=r"^[\w.+-]{1,60}$")] = ""
    inputs: dict[_Text, _Checksum] = Field(default_factory=dict)
    parameters: dict[_Text, Any] = Field(default_factory=dict)
    counts: dict[_CountName, _Count] = Field(default_factory=dict)
    warnings: list[_Text] = Field(default_factory=list)
    products: dict[_ProductName, _Fingerprint] = Field(default_factory=dict)


def read_record(folder: Path) -> Record:
    """Read the record of a block.

    Parameters
    ----------
    folder : Path
        Of its products.

    Returns
    -------
    mapping
        As it was written; empty where there is none, or one that no batch writes.
    """
    try:
        found = _Known.model_validate_json(read_head(folder / RECORD_NAME, _MOST_BYTES))
    except (OSError, ValidationError):
        return {}
    return found.model_dump(exclude_unset=True)

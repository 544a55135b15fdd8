"""Read and write tensors in the safetensors format, with a checksum over their bytes.

The format: eight bytes little-endian header length, a JSON header (name -> dtype, shape, offsets),
the bytes. Source: https://huggingface.co/docs/safetensors/index#format. The checksum is our
addition, an entry of the header's ``__metadata__``; other readers ignore it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmcc.errors import LlmccError

_DTYPES: dict[str, np.dtype[Any]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
_CHECKSUM = "sha256"
_ALIGNMENT = 8


class WeightsError(LlmccError):
    """A file of the model is missing, damaged or not of a kind the runtime knows."""


@dataclass(frozen=True, slots=True)
class TensorFile:
    """What a file holds."""

    tensors: dict[str, NDArray[Any]]
    metadata: dict[str, str]


def write_tensors(
    path: Path, tensors: Mapping[str, NDArray[Any]], *, metadata: Mapping[str, str]
) -> None:
    """Write float16 or float32 tensors, by rename.

    Raises:
        KeyError: a tensor has another type.
    """
    names = {dtype: name for name, dtype in _DTYPES.items()}
    header: dict[str, Any] = {}
    body = bytearray()
    for name in sorted(tensors):
        data = np.ascontiguousarray(tensors[name]).tobytes()
        header[name] = {
            "dtype": names[tensors[name].dtype],
            "shape": list(tensors[name].shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    checksum = hashlib.sha256(body).hexdigest()
    header["__metadata__"] = {**metadata, "format": "pt", _CHECKSUM: checksum}
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % _ALIGNMENT)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(len(head).to_bytes(8, "little") + head + body)
    temporary.replace(path)


def read_tensors(path: Path) -> TensorFile:
    """Read every tensor; they are read-only views of the file's bytes.

    Raises:
        WeightsError: the file cannot be read, is damaged, or carries no checksum.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot read the weights {path}: {error.strerror}") from error
    start = 8 + int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8:start])
        metadata = header.pop("__metadata__")
        checksum = metadata[_CHECKSUM]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise WeightsError(f"the weights {path} have no readable header") from error
    body = memoryview(content)[start:]
    if hashlib.sha256(body).hexdigest() != checksum:
        raise WeightsError(f"the weights {path} are damaged: the checksum differs")
    try:
        tensors = {name: _tensor(body, entry) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"the weights {path} hold a tensor of an unknown kind") from error
    return TensorFile(tensors, metadata)


def _tensor(body: memoryview, entry: Mapping[str, Any]) -> NDArray[Any]:
    first, last = entry["data_offsets"]
    dtype: np.dtype[Any] = _DTYPES[entry["dtype"]]
    flat: NDArray[Any] = np.frombuffer(body[first:last], dtype=dtype)
    return flat.reshape(entry["shape"])

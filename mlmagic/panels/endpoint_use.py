"""How an endpoint is asked, from a shell and from Python: lines to copy, with its address and its inputs."""

from __future__ import annotations

import json
import shlex
from typing import Any

from mlmagic.spec.endpoint_page import EndpointPage
from mlmagic.spec.model import Signature, TensorSpec

_LONGEST_BODY = 400
_TOKEN_IN_SHELL = {"google": "$(gcloud auth print-access-token)", "emulator": "TOKEN"}
"""How a shell gets the token; that of the emulator `%endpoints token` shows."""
_WRITTEN_OUT = 4
"""Lists of more items are written with `*` in Python."""


def curl_lines(page: EndpointPage) -> str:
    """Return the command; a body that is too long to be typed comes from a file."""
    body = json.dumps({"instances": [_instance(page.signature)]}, ensure_ascii=False)
    lines = [f"curl {shlex.quote(_url(page))}"]
    if not page.record.is_local:
        lines.append(f'  -H "Authorization: Bearer {_TOKEN_IN_SHELL[page.record.spec.backend]}"')
        lines.append('  -H "Content-Type: application/json"')
    if page.token_file is not None:
        lines.append(f'  -H "Authorization: Bearer $(cat {shlex.quote(page.token_file)})"')
    lines.append(f"  -d {shlex.quote(body) if len(body) <= _LONGEST_BODY else '@request.json'}")
    return " \\\n".join(lines)


def python_lines(page: EndpointPage) -> str:
    """Return a program that needs nothing of mlmagic; in the cloud it asks mlmagic for a token."""
    inputs = page.signature.inputs if page.signature else ()
    instance = ", ".join(f"{json.dumps(spec.name, ensure_ascii=False)}: {_literal(spec)}" for spec in inputs)
    has_token = page.token_file is not None
    is_local = page.record.is_local
    lines = ["import requests", ""] if is_local else ["import mlmagic, requests", ""]
    lines += [] if is_local else [f"token = mlmagic.endpoint({page.record.spec.name!r}).token  # good for an hour"]
    lines += [f"token = open({page.token_file!r}).read()"] if has_token else []
    lines += ["reply = requests.post(", f"    {_url(page)!r},", f'    json={{"instances": [{{{instance}}}]}},']
    lines += ['    headers={"Authorization": f"Bearer {token}"},'] if has_token or not is_local else []
    return "\n".join([*lines, ")", 'reply.json()["predictions"]'])


def _url(page: EndpointPage) -> str:
    if not page.record.is_local:
        return page.record.predict_url
    return f"{page.record.url}/v1/models/{page.record.spec.model}:predict"


def _instance(signature: Signature | None) -> dict[str, Any]:
    return {spec.name: _value(spec, spec.shape[1:]) for spec in signature.inputs} if signature else {}


def _value(spec: TensorSpec, shape: tuple[int | None, ...]) -> Any:
    return [_value(spec, shape[1:])] * (shape[0] or 1) if shape else spec.example_value


def _literal(spec: TensorSpec) -> str:
    value = spec.example_value
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
    for size in reversed(spec.shape[1:]):
        count = size or 1
        text = f"[{text}] * {count}" if count > _WRITTEN_OUT else f"[{', '.join([text] * count)}]"
    return text

"""A time stamp for a checkpoint (RFC 3161): a third party says that it existed at that moment.

The service sees a hash and nothing else. What it answers is verified before it is kept: it must be signed by
a certificate for time stamping that leads to the given roots, over this very text, in answer to this request.
"""

from __future__ import annotations

import base64
from pathlib import Path

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from aggregator.errors import ConfigInvalid, Permanent
from aggregator.sdk.http import Http

_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"


def stamped(http: Http, url: str, roots: Path, text: str) -> str:
    """The token over this text, base64 of its DER. Raises a channel error where there is no good one."""
    request = TimestampRequestBuilder(text.encode(), HashAlgorithm.SHA256).build()
    answer = http.post(url, data=request.as_bytes(), headers={"Content-Type": _QUERY, "Accept": _REPLY})
    verifier = VerifierBuilder.from_request(request)
    for certificate in _certificates(roots):
        verifier = verifier.add_root_certificate(certificate)
    try:
        response = decode_timestamp_response(answer.content)
        verifier.build().verify_message(response, text.encode())
        return base64.b64encode(response.time_stamp_token()).decode()
    except (VerificationError, ValueError) as error:
        raise Permanent(f"the time stamp is not good: {str(error)[:200]}") from error


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigInvalid(f"[ledger] timestamp_roots {path}: {error}") from error

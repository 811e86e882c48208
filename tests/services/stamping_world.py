"""A time-stamp service (RFC 3161) and a receiver of checkpoints, each a real HTTP server on this machine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: What a server answers to one body: status, content type, content.
Answer = Callable[[bytes, dict[str, str]], tuple[int, str, bytes]]


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    """Its address, while it runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, kind, content = answer(body, dict(self.headers))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_address[1]}/path?token=bi-mat"
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


class StampService:
    """Stamps what it is asked to; `purpose` and `lie` let it be a bad one."""

    def __init__(self, purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Dịch vụ dấu thời gian thử")])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(7)
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + timedelta(days=9))
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.lie = False
        self.asked = 0

    def roots(self, folder: Path) -> Path:
        path = folder / "roots.pem"
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def answer(self, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        self.asked += 1
        assert headers["Content-Type"] == "application/timestamp-query"
        request = tsp.TimeStampReq.load(body)
        imprint = request["message_imprint"]
        if self.lie:
            imprint = tsp.MessageImprint(
                {"hash_algorithm": imprint["hash_algorithm"], "hashed_message": b"\0" * 32}
            )
        info = tsp.TSTInfo({
            "version": "v1", "policy": "1.2.3.4", "message_imprint": imprint, "serial_number": self.asked,
            "gen_time": datetime.now(UTC).replace(microsecond=0), "nonce": request["nonce"].native,
        })  # fmt: skip
        response = tsp.TimeStampResp({
            "status": {"status": "granted"},
            "time_stamp_token": {"content_type": "signed_data", "content": self._signed(info)},
        })  # fmt: skip
        return 200, "application/timestamp-reply", response.dump()

    def _signed(self, info: tsp.TSTInfo) -> cms.SignedData:
        certificate = asn1_x509.Certificate.load(self.certificate.public_bytes(serialization.Encoding.DER))
        sha256 = algos.DigestAlgorithm({"algorithm": "sha256"})
        content = info.dump()
        attributes = cms.CMSAttributes([
            cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
            cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(content).digest()]}),
        ])  # fmt: skip
        signature = self._key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
        signer = cms.SignerInfo({
            "version": "v1",
            "sid": {"issuer_and_serial_number": {
                "issuer": certificate.issuer, "serial_number": certificate.serial_number,
            }},
            "digest_algorithm": sha256, "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"}, "signature": signature,
        })  # fmt: skip
        return cms.SignedData({
            "version": "v3", "digest_algorithms": [sha256],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
            "certificates": [certificate], "signer_infos": [signer],
        })  # fmt: skip

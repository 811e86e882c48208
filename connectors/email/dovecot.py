"""A real Dovecot on this machine: a folder of mailboxes, any login, no accounts of the system."""

from __future__ import annotations

import imaplib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "mat-khau-thu"
#: Seconds until it answers.
PATIENCE = 30

_CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
default_internal_user = {user}
default_login_user = {login}
default_internal_group = {group}
first_valid_uid = 0
mail_location = maildir:{folder}/mail/%u
mail_uid = {user}
mail_gid = {group}
auth_mechanisms = plain login
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/home/%u
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""


def available() -> str | None:
    """Where the program is; None where it is not installed."""
    return shutil.which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class Dovecot:
    """A running server. Every login works with `PASSWORD` and has a mailbox of its own."""

    folder: Path
    port: int
    tls_port: int

    @property
    def cert(self) -> Path:
        return self.folder / "cert.pem"

    @contextmanager
    def session(self, user: str) -> Iterator[imaplib.IMAP4]:
        """A client of the test's own."""
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        try:
            client.login(user, PASSWORD)
            client.select("INBOX")
            yield client
        finally:
            client.logout()

    def put(self, user: str, raw: bytes, folder: str = "INBOX", at: str | None = None) -> None:
        """A mail arrives; `at` as IMAP writes dates."""
        with self.session(user) as client:
            answer, said = client.append(folder, "", at or imaplib.Time2Internaldate(time.time()), raw)
            assert answer == "OK", said

    def renumber(self, user: str) -> None:
        """The folder is numbered anew, as after a restore: another UIDVALIDITY, numbers from 1."""
        place = self.folder / "mail" / user
        version, validity, _, guid, *_ = (place / "dovecot-uidlist").read_text().split()
        for path in place.glob("dovecot*"):
            path.unlink()
        (place / "dovecot-uidlist").write_text(f"{version} V{int(validity[1:]) + 100} N1 {guid}\n")


@contextmanager
def running() -> Iterator[Dovecot]:
    """The server, until the block ends."""
    program = available()
    assert program, "no dovecot"
    folder = Path(tempfile.mkdtemp(prefix="dovecot-", dir="/tmp"))  # its sockets want a short path
    user, login = _users()
    _certificate(folder)
    port, tls_port = _free(), _free()
    group = _group_of(user)
    for name in ("mail", "home", "run", "state"):
        (folder / name).mkdir()
        os.chown(folder / name, pwd.getpwnam(user).pw_uid, -1) if os.getuid() == 0 else None
    folder.chmod(0o755)
    conf = folder / "dovecot.conf"
    conf.write_text(
        _CONF.format(
            folder=folder, user=user, login=login, group=group, port=port, tls_port=tls_port,
            password=PASSWORD, ssl="yes",
        )
    )  # fmt: skip
    process = subprocess.Popen([program, "-F", "-c", str(conf)], stdout=subprocess.DEVNULL)
    try:
        _answering(port, process, folder)
        yield Dovecot(folder, port, tls_port)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


def _users() -> tuple[str, str]:
    """Debian's package makes two accounts; without root all runs as who tests."""
    if os.getuid() == 0:
        return "dovecot", "dovenull"
    me = pwd.getpwuid(os.getuid()).pw_name
    return me, me


def _group_of(user: str) -> str:
    import grp

    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


def _certificate(folder: Path) -> None:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _answering(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            imaplib.IMAP4("127.0.0.1", port, timeout=5).logout()
            return
        except (OSError, imaplib.IMAP4.error):
            log = folder / "dovecot.log"
            told = log.read_text() if log.exists() else ""
            assert process.poll() is None and time.monotonic() < ends, f"dovecot does not answer: {told}"
            time.sleep(0.05)

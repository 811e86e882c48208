"""What a login may be, and what is said of a sign-in that failed.

What may surprise: a login that does not exist and a wrong password get the same words.
"""

from __future__ import annotations

import re
from datetime import timedelta

from aggregator.errors import AggregatorError, InputInvalid

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")


class SignInRejected(AggregatorError):
    """Not signed in. `retry_after` seconds where it was too many times in a row, else 0."""

    code = "sign_in_rejected"
    retry_after = 0


def known_form(login: str) -> str:
    """The login as it could be stored, or "": no account has that, and PostgreSQL refuses NUL."""
    login = login.strip().casefold()
    return login if _LOGIN.fullmatch(login) else ""


def checked(login: str) -> str:
    if not (known := known_form(login)):
        raise InputInvalid(
            f"login {login!r} cannot be used", field="login", hint="2 to 64 of a-z, 0-9, dot, hyphen, @",
            message_vi="Tên đăng nhập gồm 2 đến 64 ký tự: chữ không dấu, số, dấu chấm, gạch nối.",
        )  # fmt: skip
    return known


def wrong() -> SignInRejected:
    return SignInRejected("login or password is wrong", message_vi="Tên đăng nhập hoặc mật khẩu không đúng.")


def wait(left: timedelta) -> SignInRejected:
    seconds = max(1, round(left.total_seconds()))
    error = SignInRejected(
        f"too many failed sign-ins: try again in {seconds} s",
        message_vi=f"Đăng nhập sai nhiều lần liên tiếp. Vui lòng thử lại sau {seconds} giây.",
    )
    error.retry_after = seconds
    return error

"""What is wrong with a channel's settings, in the words of the form that a person filled in.

The judge (`sdk.settings_schema`) speaks English and names settings by their keys, for files and commands.
On screen the same sentence names the field by its title, in Vietnamese. A sentence that is not known here
is shown as it is: rather English than nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

_KINDS = {
    "string": "chữ", "integer": "số nguyên", "number": "số", "boolean": "có hoặc không",
    "array": "danh sách", "object": "bảng", "null": "để trống",
}  # fmt: skip


def _kinds(match: re.Match[str]) -> str:
    return " hoặc ".join(_KINDS.get(kind, kind) for kind in match[1].split(" or "))


_SENTENCES: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r"^missing$", lambda m: "chưa điền"),
        (r"is not one of (.*?)(?:; did you mean.*)?$", lambda m: f"phải là một trong: {m[1]}"),
        (r"^(.+) expected, not ", lambda m: f"phải là {_kinds(m)}"),
        (r"is below (.+)$", lambda m: f"không được nhỏ hơn {m[1]}"),
        (r"is above (.+)$", lambda m: f"không được lớn hơn {m[1]}"),
        (r"^at least (\d+) characters", lambda m: f"ít nhất {m[1]} ký tự"),
        (r"^at most (\d+) characters", lambda m: f"nhiều nhất {m[1]} ký tự"),
        (r"^does not have the form \^https\?://", lambda m: "phải bắt đầu bằng http:// hoặc https://"),
        (r"^does not have the form (.+)$", lambda m: f"không đúng dạng {m[1]}"),
        (r"^unknown (?:setting|key)", lambda m: "không có cài đặt này"),
        (r"is taken by another channel$", lambda m: "đã có kênh khác dùng"),
        (r"may hold a-z, 0-9", lambda m: "chỉ gồm a–z, 0–9 và dấu gạch nối, tối đa 40 ký tự"),
        (r"is no time zone", lambda m: "không phải múi giờ, ví dụ Asia/Ho_Chi_Minh"),
        (r"user name", lambda m: "không ghi tên đăng nhập hay mật khẩu trong địa chỉ"),
        (r"is unknown$", lambda m: "không có trong danh sách"),
    )
]
_TITLES = {
    "slug": "Tên ngắn",
    "kind": "Bộ kết nối",
    "ward": "Phường/xã",
    "title": "Tên kênh",
    "config": "Cài đặt",
}


def in_vietnamese(problems: Sequence[str], titles: Mapping[str, str]) -> str:
    """The faults as one sentence each; `titles`: key of a setting -> what the form calls it."""
    return "; ".join(_one(problem, {**_TITLES, **titles}) for problem in problems)


def _one(problem: str, titles: Mapping[str, str]) -> str:
    name, _, what = problem.partition(": ")
    title = titles.get(name) or titles.get(name.removeprefix("options.")) or name
    for pattern, words in _SENTENCES:
        if match := pattern.search(what):
            return f"{title}: {words(match)}"
    return f"{title}: {what}"

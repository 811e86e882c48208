"""Kiểm tra giấy xác nhận và bản xuất nhật ký của Một Mối / check papers and exported ledgers of Một Mối.
    python motmoi_check.py FILE [--checkpoint HELD]... [--key HEX-OR-FILE]
HELD: điểm chốt mà bên ngoài đang giữ / checkpoints held outside. KEY: khoá đã công bố / the published key.
Needs Python 3.8 and `cryptography`, no network. Exit 0: it holds, 1: it does not, 2: nothing was checked."""

import argparse
import base64
import hashlib
import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HASHED = ("chain", "seq", "at", "kind", "case_id", "officer_id", "channel_id", "commitment")
DATED = r"(?<!hạn )\d\d:\d\d ngày \d\d/\d\d/\d{4}"
WRONG = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError)
SAYS = {
    "form": "tệp không còn nguyên từng byte, hoặc sai dạng / not byte for byte what was issued",
    "key": "không phải khoá đã công bố / not the published key, nor one that followed it",
    "signature": "chữ ký sai / the signature is wrong",
    "fork": "thiếu hoặc khác điểm chốt đã phát / a checkpoint is missing, or not the one given out",
    "root": "không nằm dưới điểm chốt / is not under the checkpoint",
    "seq": "thiếu, thừa, đảo mục hoặc chuỗi bị cắt / entries are missing, inserted, out of place or cut off",
    "edited": "nội dung đã bị sửa / was edited: its hash does not fit its content",
    "data": "dữ liệu đã bị sửa / its data was changed",
    "erased": "bị xoá mà nhật ký không ghi / was erased, and no entry records that",
    "rewritten": "từ mục này không còn là bản đã ký / from here on it is not what was signed and given out",
    "fact": "lời xác nhận không khớp với nhật ký / the statement is not what the ledger says",
}
ENDS = {"in_time": "xử lý trong hạn", "late": "xử lý quá hạn", "no_deadline": "không có thời hạn để so sánh"}


def canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def hashed(*parts):
    """SHA-256. In the tree of RFC 6962 a leaf is hashed(b"\\0", bytes), a node hashed(b"\\1", two nodes)."""
    return hashlib.sha256(b"".join([one.encode() if type(one) is str else one for one in parts])).digest()


def unhex(text):  # bytes.fromhex would take capitals and spaces, too
    return base64.b16decode(text.swapcase())


def signed(public, signature, *lines):
    """Whether this Ed25519 key made this signature (both hex) over these lines."""
    text, key = "".join(line + "\n" for line in lines), unhex(public)
    try:
        return not Ed25519PublicKey.from_public_bytes(key).verify(unhex(signature), text.encode())
    except InvalidSignature:
        return False


def climb(found, index, size, path):
    """The root that a path leads to from the leaf at this index of a tree of this size."""
    if size == 1 and index == 0 and not path:
        return found
    split, (*lower, last) = 1 << ((size - 1).bit_length() - 1), path
    if index < split:
        return hashed(b"\1", climb(found, index, split, lower), unhex(last))
    return hashed(b"\1", unhex(last), climb(found, index - split, size - split, lower))


def grow(parts, found, level=0):
    """Append a leaf to a tree that is kept as (level, root) of its complete subtrees, the largest first."""
    while parts and parts[-1][0] == level:
        found, level = hashed(b"\1", parts.pop()[1], found), level + 1
    parts.append((level, found))


def root_of(parts):
    found = parts[-1][1] if parts else hashed()
    for _, part in parts[-2::-1]:
        found = hashed(b"\1", part, found)
    return found.hex()


def within(value, path):
    """What stands at a path like data.deadlines.0.due_at."""
    for step in path.split("."):
        value = json.loads(value) if type(value) is str else value
        value = value[int(step) if type(value) is list else step]
    return value


def clock(at):  # as papers write it, in Viet Nam
    return f"{datetime.fromisoformat(at).astimezone(timezone(timedelta(hours=7))):%H:%M:%S ngày %d/%m/%Y}"


class Check:
    """What was found: `findings` are (code, chain, seq, more), at most one of a kind for each chain."""

    def __init__(self, held=(), trusted=()):
        self.findings, self.told, self.known, self.signers, self.trusted = [], {}, [], [], list(trusted)
        self.texts, self.roots, self.hashes, self.erased, self.recorded, self.done = {}, {}, {}, [], [], set()
        self.chain, self.size, self.good, self.prev, self.parts = None, 0, 0, "", []
        for content in held:
            plain = content.replace("\r", "").replace("\\n", "\n")  # a line of JSON, or a mail
            for text in re.findall(r"motmoi/checkpoint/1\n(?:[^\n]*\n){6}", plain):
                self.texts[int(text.split("\n")[2])] = text
            for line in content.splitlines():
                try:
                    one = json.loads(line)
                    self.trusted += [] if trusted else [one["key"]["public"]]
                    self.expect(one["checkpoint"]["chains"])
                    for chain, more in one["entries"].items():
                        hashes = enumerate(re.findall("[0-9a-f]{64}", more["hashes"]), more["after"] + 1)
                        self.hashes.setdefault(chain, {}).update(hashes)
                except WRONG:
                    continue

    def expect(self, chains):
        for chain, size, root in chains:
            self.roots.setdefault(chain, {}).setdefault(size, set()).add(root)

    def must(self, holds, code, chain="", seq=0, more=""):
        if not (holds or (code, chain or more) in [(one[0], one[1] or one[3]) for one in self.findings]):
            self.findings.append((code, chain, seq, more))

    def keys(self, document):
        """Who may sign: the trusted key, and those that followed it, each signed by the one before."""
        key, installation = document["key"], document["installation"]
        self.known = [one["old"] for one in key["handovers"]] + [key["public"]]
        for one, new in zip(key["handovers"], self.known[1:]):
            lines = "motmoi/key/1", installation, one["old"], new
            self.must(signed(one["old"], one["signature"], *lines), "key", more=new)
        ids = [hashed(unhex(public)).hex()[:16] for public in self.known]
        starts = [at for at, public in enumerate(self.known) if public in (self.trusted or self.known)]
        self.must(starts and (installation, key["id"]) == (ids[0], ids[-1]), "key", more=key["public"])
        self.signers = self.known[starts[0] :] if starts else self.known

    def checkpoint(self, one, installation, signers):
        """(number, root, hash of the one before); its signature and its time stamp were looked at."""
        *lines, end = one["text"].split("\n")
        name, of, number, at, entries, root, before = lines
        place, (token, proof) = "checkpoint " + number, (one["token"], one["token_signature"])
        ok = (name, of, end) == ("motmoi/checkpoint/1", installation, "")
        self.must(ok and any(signed(by, one["signature"], *lines) for by in signers), "signature", more=place)
        self.must(self.texts.get(int(number), one["text"]) == one["text"], "fork", more=place)
        lines = "motmoi/token/1", hashed(one["text"]).hex(), hashed(token or "").hex()
        ok = (token, proof) == (None, None) or any(signed(by, proof, *lines) for by in self.known)
        self.must(ok, "signature", more="time stamp of " + place)
        self.told = {"checkpoint": int(number), "at": at, "entries": int(entries), "key": self.known[-1]}
        return int(number), root, before

    def entry(self, one):
        """What an entry says by itself: its form, its hash, its commitment, whether it was erased."""
        chain, seq, data, salt = one["chain"], one["seq"], one.get("data"), one.get("salt")
        numbers = [seq] + [one[name] for name in HASHED[4:7] if one[name] is not None]
        named = one.keys() - {*HASHED, "prev_hash", "hash", "path"} in ({"data", "salt"}, set())
        plain = named and not any("\n" in one[name] for name in HASHED[:4:2] + HASHED[3::4])
        self.must(plain and {*map(type, numbers)} == {int}, "form", chain, seq)
        found = hashed("\n".join([one["prev_hash"]] + [str(one[name]) for name in HASHED])).hex()
        self.must(found == one["hash"], "edited", chain, seq)
        self.must(self.hashes.get(chain, {}).get(seq, one["hash"]) == one["hash"], "rewritten", chain, seq)
        if data is salt is None:
            self.erased += [(chain, seq)] if "data" in one else []
        elif None in (data, salt) or hashed(salt + data).hex() != one["commitment"]:
            self.must(False, "data", chain, seq)
        elif one["kind"] == "erased":
            self.recorded += json.loads(data).get("entries", [])

    def export(self, head, lines):
        """Every entry of every chain, and every checkpoint over them."""
        states, last, before = {}, 0, "0" * 64
        self.keys(head)
        for number, line in enumerate(lines[:-1], 2):
            try:
                one = json.loads(line)
                self.must(canonical(one) == line, "form", more=f"line {number}")
                if "checkpoint" not in one:
                    self.walk(one)
                    continue
                final = one["checkpoint"]
                states.update((row[0], row) for row in final["chains"])
                found, root, previous = self.checkpoint(final, head["installation"], self.known)
                parts = []
                for _, row in sorted(states.items()):
                    grow(parts, hashed(b"\0", canonical(row).encode()))
                self.must(final["lost"] or root_of(parts) == root, "root", more=f"checkpoint {found}")
                self.must((found, previous) == (last + 1, before), "fork", more=f"checkpoint {found}")
                last, before = found, hashed(final["text"]).hex()
                self.expect(final["chains"])
            except WRONG:
                self.must(False, "form", more=f"line {number}")
        self.walk(None)
        if last:  # those before it are under it, whoever signed them
            self.checkpoint(final, head["installation"], self.signers)
        self.must(last >= (newest := max(self.texts, default=0)), "fork", more=f"checkpoint {newest}")
        for chain in {*self.roots, *self.hashes} - self.done:
            self.must(False, "seq", chain, 1)
        for chain, seq in self.erased:
            if not any(one[0] == chain and one[1] <= seq <= one[2] for one in self.recorded):
                self.findings.append(("erased", chain, seq, ""))  # each: one may hide another

    def walk(self, one):
        """The next entry of a chain; None after the last."""
        if one is None or one["chain"] != self.chain:
            last, known = (max(each.get(self.chain, [0])) for each in (self.roots, self.hashes))
            self.must(max(last, known) <= self.size, "seq", self.chain, self.size + 1)
            self.must(last >= self.size, "root", self.chain, last + 1)
            if one is None:
                return
            again = int(one["chain"] in self.done)  # a chain that comes twice begins at the wrong place
            self.chain, self.size, self.good, self.prev, self.parts = one["chain"], again, 0, "0" * 64, []
            self.done.add(self.chain)
        self.size += 1
        self.must((one["seq"], one["prev_hash"]) == (self.size, self.prev), "seq", self.chain, self.size)
        self.entry(one)
        grow(self.parts, hashed(b"\0", unhex(one["hash"])))
        self.prev, roots = one["hash"], self.roots.get(self.chain, {}).get(self.size)
        self.must(not roots or roots == {root_of(self.parts)}, "rewritten", self.chain, self.good + 1)
        self.good = self.size if roots else self.good

    def bundle(self, document, _):
        """A paper: every fact in it, up to the signature."""
        self.keys(document)
        root = self.checkpoint(document["checkpoint"], document["installation"], self.signers)[1]
        chains, entries, certified = {one["chain"]: one for one in document["chains"]}, {}, []
        parts = document, document["key"], document["checkpoint"], *document["chains"]
        self.must([*map(len, parts)] == [8, 3, 4] + [6] * len(chains), "form")  # nothing is passed over
        for chain, one in chains.items():
            found = hashed(b"\0", canonical([chain, one["size"], one["root"]]).encode())
            self.must(climb(found, one["index"], one["of"], one["path"]).hex() == root, "root", chain)
        for one in document["entries"]:
            self.entry(one)
            chain, seq, found = one["chain"], one["seq"], hashed(b"\0", unhex(one["hash"]))
            found = climb(found, seq - 1, chains[chain]["size"], one["path"]).hex()
            self.must(found == chains[chain]["root"], "root", chain, seq)
            entries[chain, seq] = one
            certified += [json.loads(one["data"])["statement_sha256"]] if one["kind"] == "certified" else []
        whole = hashed(canonical(document["statement"])).hex() == document["statement_sha256"] in certified
        self.must(whole, "fact", more="statement")
        self.paper(document["statement"], entries)

    def paper(self, statement, entries):
        """Each fact is in statement and entry; the verdict follows from one entry, its words from facts."""
        facts, said, times = {}, statement["verdict"], set()
        for one in statement["facts"]:
            name, entry = one["name"], entries[one["chain"], one["seq"]]
            told = one["value"], within(statement, name), within(entry, one["field"])
            same = facts.setdefault(name, entry) is entry
            self.must(same and len({*map(canonical, told)}) == 1, "fact", more=name)
            times |= {clock(one["value"])} if name.endswith("at") and one["value"] else set()
        answer, due = facts["verdict.answered_at"], facts.get("verdict.due_at")
        at, given = said["answered_at"], json.loads(answer["data"]).get("answered_at")  # at the source itself
        code = ("in_time", "late")[at[:19] > said["due_at"][:19]] if due else "no_deadline"  # all in UTC
        same = (answer["case_id"], due or answer) == (statement["case_id"], answer)
        same = same and answer["kind"] in ("replied", "answer_adopted") and at in (answer["at"], given)
        self.must(same and said["code"] in (code, "unproven"), "fact", more="verdict")
        at, due, text = clock(at), clock(said["due_at"]) if due else "–", said["sentence"]
        own = {one[:5] + one[8:] for one in times}.issuperset(re.findall(DATED, text))
        own = own and (due == "–" or f" hạn {due[:5]}".replace("00:00", "24:00") in text)
        own = own and text.rpartition("; kết luận: ")[2].startswith(ENDS.get(said["code"], "chưa đủ căn cứ"))
        self.must(own and f" trả lời lúc {at[:5]}{at[8:]}" in text, "fact", more="sentence")
        self.told["at"] += f"; {said['code']}: trả lời / answered {at}, hạn / due {due}"


def check(content, held=(), keys=()):
    """The finished `Check` of a file's bytes."""
    work = Check(held, keys)
    try:
        head, *lines = content.decode().split("\n")
        document = json.loads(head)
        look = {"motmoi/export/1": work.export, "motmoi/bundle/1": work.bundle}[document["format"]]
        work.must(canonical(document) == head and lines[-1:] == [""] * (look == work.export), "form")
        look(document, lines)
    except WRONG as error:
        work.must(False, "form", more=type(error).__name__)
    return work


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=argparse.FileType("rb"))
    parser.add_argument("--checkpoint", type=argparse.FileType("rb"), action="append", default=[])
    parser.add_argument("--key", default="")
    given = parser.parse_args(arguments)
    content, held = given.file.read(), [one.read().decode("utf-8", "replace") for one in given.checkpoint]
    published = Path(given.key).read_text("latin-1") if Path(given.key).is_file() else given.key
    keys = re.findall(r"\b[0-9a-f]{64}\b", published)
    if bool(given.key) != bool(keys) or not all(Check([one]).texts for one in held):
        parser.error("--key, --checkpoint: không có khoá, điểm chốt trong đó / no key, no checkpoint in it")
    work = check(content, held, keys)
    for code, chain, seq, more in work.findings:
        print("SAI / WRONG:", f"chuỗi / chain {chain}, mục / entry {seq}:" if chain else more, SAYS[code])
    if not work.findings:
        print("ĐÚNG / IT HOLDS: checkpoint {checkpoint}, {at}, khoá / key {key}".format(**work.told))
    if not work.trusted:
        print("Hãy so khoá này với khoá cơ quan công bố / compare this key with the published one.")
    return 1 if work.findings else 0


if __name__ == "__main__":
    raise SystemExit(main())

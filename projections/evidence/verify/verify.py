#!/usr/bin/env python3
"""Checks an evidence pack of tokenledger with nothing but Python's standard library.

    python3 verify.py pack.zip --key 'tokenledger/...+1234abcd+...'

Exit code: 0 verified complete, 1 altered, 2 incomplete, 3 signature, 4 fork,
5 malformed, 6 all agrees but the keys came with the pack.

What it does, in this order: the zip has the entries of a pack and no others; the
checkpoints are signed by the key; the later one goes on the earlier one; both
epochs stand at their own number in the signed log, and their times enclose the
period; the organization's heads stand at its index in them; the frontier is that
of the earlier head; and all lines of events.jsonl, appended to it, give the later
head, no line more or less. Then: events.csv says what the lines say, disclosed
values are those that events committed to, every file is the one in the manifest,
and the manifest is signed. RFC 6962 (trees), RFC 8032 (Ed25519), C2SP (notes).
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import re
import sys
import zipfile

VERDICTS = ["verified", "altered", "incomplete", "signature", "fork", "malformed", "trust not pinned"]
VERIFIED, ALTERED, INCOMPLETE, UNSIGNED, FORKED, MALFORMED, UNPINNED = range(7)

PARTS = [".checkpoint", ".epoch", ".epoch.proof", ".head", ".head.proof"]
OPENING, CLOSING = "proof/opening", "proof/closing"
ORDER = (
    ["README.txt", "report.pdf", "report.html", "events.jsonl", "events.csv", "disclosures.jsonl"]
    + [OPENING + p for p in PARTS]
    + [CLOSING + p for p in PARTS]
    + ["proof/consistency", "proof/frontier", "proof/first.leaf", "proof/first.proof", "keys/log.vkey",
       "ocsf.jsonl", "controls.csv", "verify.py", "manifest.json", "manifest.note", "run.json"]
)
MANIFEST_MEMBERS = ["format", "generator", "organization", "query", "from", "to", "disclosed", "events", "after",
                    "through", "first_position", "last_position", "checkpoint", "files", "limits"]
FORMAT = "tokenledger evidence pack 1"
MAX_SIZE = 2**53 - 1
MAX_LINE = (64 << 10) + 2
CSV_COLUMNS = ["position", "trail_position", "recorded_at", "type", "stream", "version", "actor_kind", "actor",
               "actor_user", "reason", "correlation", "data", "leaf_hash"]


class Failure(Exception):
    """The outcome of a verification that did not succeed, and where."""

    def __init__(self, verdict, text, position=0, line=0):
        super().__init__(text)
        self.verdict, self.position, self.line = verdict, position, line

    def __str__(self):
        where = VERDICTS[self.verdict]
        if self.position:
            where += " at trail position %d" % self.position
        if self.line:
            where += " (line %d)" % self.line
        return where + ": " + self.args[0]


# --- Merkle trees, RFC 6962 -------------------------------------------------

def leaf_hash(leaf):
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


EMPTY = hashlib.sha256(b"").digest()


class Frontier:
    """The right edge of a growing tree: roots of perfect subtrees by level."""

    def __init__(self, size=0, peaks=None):
        self.size, self.peaks = size, peaks or {}

    def copy(self):
        return Frontier(self.size, dict(self.peaks))

    def append(self, leaf):
        level, n = 0, self.size
        while n & 1:
            leaf = node_hash(self.peaks[level], leaf)
            level, n = level + 1, n >> 1
        self.peaks[level] = leaf
        self.size += 1

    def root(self):
        root = None
        for level in range(self.size.bit_length()):
            if self.size >> level & 1:
                root = self.peaks[level] if root is None else node_hash(self.peaks[level], root)
        return EMPTY if root is None else root


def check_inclusion(index, size, leaf, root, proof):
    """RFC 9162, section 2.1.3.2."""
    if index < 0 or index >= size or size > MAX_SIZE:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def check_consistency(older, newer, older_root, newer_root, proof):
    """RFC 9162, section 2.1.4.2."""
    if older < 0 or older > newer or newer > MAX_SIZE:
        return False
    if older == 0:
        return not proof and older_root == EMPTY and (newer > 0 or newer_root == EMPTY)
    if older == newer:
        return not proof and older_root == newer_root
    path = list(proof)
    if older & (older - 1) == 0:
        path.insert(0, older_root)
    if not path:
        return False
    fn, sn = older - 1, newer - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == older_root and sr == newer_root


# --- Ed25519, RFC 8032 section 6 --------------------------------------------

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def point_add(a, b):
    a1, b1 = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = b1 - a1, d - c, d + c, b1 + a1
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_mul(s, point):
    out = (0, 1, 1, 0)
    while s > 0:
        if s & 1:
            out = point_add(out, point)
        point = point_add(point, point)
        s >>= 1
    return out


def point_equal(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * SQRT_M1 % P
    if (x * x - x2) % P:
        return None
    return P - x if x & 1 != sign else x


G_Y = 4 * pow(5, P - 2, P) % P
G_X = recover_x(G_Y, 0)
G = (G_X, G_Y, 1, G_X * G_Y % P)


def point_decompress(text):
    y = int.from_bytes(text, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def ed25519_verify(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = point_decompress(public), point_decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % Q
    return point_equal(point_mul(s, G), point_add(r, point_mul(h, a)))


# --- Signed notes and keys, C2SP --------------------------------------------

def strict_base64(text):
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def parse_key(text):
    text = text.strip()
    name, _, rest = text.partition("+")
    number, _, encoded = rest.partition("+")
    raw = strict_base64(encoded)
    if not name or " " in name or len(number) != 8 or raw is None or len(raw) != 33 or raw[0] != 1:
        raise Failure(MALFORMED, "%r is no verifier key" % text[:200])
    want = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if number.lower() != want.hex():
        raise Failure(MALFORMED, "the verifier key %r has another hash than it says" % text[:200])
    return name, want, raw[1:]


def open_note(signed, keys):
    """The text of a note and the names of the keys that have signed it."""
    try:
        text = signed.decode("utf-8")
    except UnicodeDecodeError:
        raise Failure(MALFORMED, "a note is not UTF-8")
    if any(ord(c) < 0x20 and c != "\n" for c in text):
        raise Failure(MALFORMED, "a note has control characters")
    split = text.rfind("\n\n")
    if split < 0 or not text.endswith("\n"):
        raise Failure(MALFORMED, "a note has no signatures")
    body, lines = text[: split + 1], text[split + 2:]
    if not lines:
        raise Failure(MALFORMED, "a note has no signatures")
    names, seen = [], set()
    for line in lines[:-1].split("\n"):
        name, _, encoded = line[2:].partition(" ")
        raw = strict_base64(encoded)
        if not line.startswith("\u2014 ") or not name or "+" in name or raw is None or len(raw) < 5:
            raise Failure(MALFORMED, "a note has a line that is no signature")
        for key_name, number, public in keys:
            if key_name == name and number == raw[:4] and (name, number) not in seen:
                seen.add((name, number))
                if not ed25519_verify(public, body.encode(), raw[4:]):
                    raise Failure(UNSIGNED, "the signature by %s is false" % name)
                names.append(name)
    if not names:
        raise Failure(UNSIGNED, "no key that was given has signed this")
    return body, names


# --- The written forms ------------------------------------------------------

HASH = r"([A-Za-z0-9+/]{43}=)"
SIZE = r"(0|[1-9][0-9]{0,15})"
TIME = r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)"
NAME = r"([!-~]+?)"
EPOCH_RE = re.compile(r'\{"v":1,"epoch":' + SIZE + r',"time":"' + TIME + r'","size":' + SIZE + r',"root":"' + HASH
                      + r'","organizations":' + SIZE + r',"heads":"' + HASH + r'"(?:,"continues":\{"origin":"' + NAME
                      + r'","size":' + SIZE + r',"root":"' + HASH + r'"\})?\}')
HEAD_RE = re.compile(r'\{"v":1,"organization":' + SIZE + r',"size":' + SIZE + r',"root":"' + HASH + r'","salt":"' + HASH + r'"\}')


def to_hash(text):
    raw = strict_base64(text)
    if raw is None or len(raw) != 32:
        raise Failure(MALFORMED, "%r is no hash" % text[:60])
    return raw


def to_size(text):
    n = int(text)
    if n > MAX_SIZE:
        raise Failure(MALFORMED, "%s is out of range" % text)
    return n


def to_time(text):
    """Microseconds since the year 1, enough to compare."""
    m = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", text)
    if not m:
        raise Failure(MALFORMED, "%r is no time in UTC" % text[:60])
    import datetime
    try:
        when = datetime.datetime(*[int(g) for g in m.groups()[:6]])
    except ValueError:
        raise Failure(MALFORMED, "%r is no time" % text[:60])
    since = when - datetime.datetime(1, 1, 1)
    return (since.days * 86400 + since.seconds) * 10**9 + int((m.group(7) or "0").ljust(9, "0"))


def ascii_text(raw, what):
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError:
        raise Failure(MALFORMED, "%s is not in its form" % what)


def parse_proof(raw):
    text = ascii_text(raw, "a proof")
    if text and not text.endswith("\n"):
        raise Failure(MALFORMED, "a proof has no end")
    hashes = [to_hash(line) for line in text.split("\n")[:-1]]
    if len(hashes) > 64:
        raise Failure(MALFORMED, "a proof is too long")
    return hashes


def parse_frontier(raw):
    lines = ascii_text(raw, "the frontier").split("\n")
    if lines[-1] != "" or not re.fullmatch(SIZE, lines[0]):
        raise Failure(MALFORMED, "the frontier is not in its form")
    size, hashes = to_size(lines[0]), [to_hash(line) for line in lines[1:-1]]
    levels = [level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1]
    if len(levels) != len(hashes):
        raise Failure(MALFORMED, "the frontier is not in its form")
    return Frontier(size, dict(zip(levels, hashes)))


def parse_epoch(raw):
    m = EPOCH_RE.fullmatch(ascii_text(raw, "an epoch"))
    if not m:
        raise Failure(MALFORMED, "an epoch is not in its form")
    e = {"number": to_size(m.group(1)), "time": to_time(m.group(2)), "at": m.group(2), "size": to_size(m.group(3)),
         "root": to_hash(m.group(4)), "organizations": to_size(m.group(5)), "heads": to_hash(m.group(6))}
    if (e["size"] == 0) != (e["root"] == EMPTY) or (e["organizations"] == 0) != (e["heads"] == EMPTY):
        raise Failure(MALFORMED, "the root of an empty tree goes with size 0 and with no other")
    if m.group(7) is not None and e["number"] != 0:
        raise Failure(MALFORMED, "only the first epoch can continue another log")
    return e


def parse_head(raw):
    m = HEAD_RE.fullmatch(ascii_text(raw, "a head"))
    if not m:
        raise Failure(MALFORMED, "a head is not in its form")
    h = {"index": to_size(m.group(1)), "size": to_size(m.group(2)), "root": to_hash(m.group(3))}
    to_hash(m.group(4))
    if (h["size"] == 0) != (h["root"] == EMPTY):
        raise Failure(MALFORMED, "the root of an empty tree goes with size 0 and with no other")
    return h


def open_checkpoint(signed, keys):
    body, names = open_note(signed, keys)
    lines = body.split("\n")
    if len(lines) != 4 or lines[3] != "" or not re.fullmatch(r'[!#-*,-\[\]-~]+', lines[0]) or not re.fullmatch(SIZE, lines[1]):
        raise Failure(MALFORMED, "a checkpoint is not in its form")
    c = {"origin": lines[0], "size": to_size(lines[1]), "root": to_hash(lines[2]), "root_text": lines[2]}
    if (c["size"] == 0) != (c["root"] == EMPTY):
        raise Failure(MALFORMED, "the root of an empty log goes with size 0 and with no other")
    if c["origin"] not in names:
        raise Failure(UNSIGNED, "the key of another log has signed this checkpoint")
    return c


# --- Events -----------------------------------------------------------------

STRING = rb'"((?:[^"\\]|\\.)*)"'
LEAF_RE = re.compile(rb'\{"format":1,"position":([0-9]+),"trail":' + STRING + rb',"trail_position":([0-9]+),"stream":' + STRING
                     + rb',"version":([0-9]+),"recorded_at":' + STRING + rb',"type":' + STRING + rb'(?:,"type_version":[0-9]+)?'
                     + rb',"actor":\{"kind":' + STRING + rb',"id":' + STRING + rb'(?:,"user":' + STRING + rb')?\}'
                     + rb'(?:,"reason":' + STRING + rb')?(?:,"correlation":' + STRING + rb')?(?:,"trace":' + STRING + rb')?'
                     + rb',"data":(\{.*\})\}', re.S)
GUARDED = {6, 7, 8, 9, 10, 11}


def unescape(raw):
    if raw is None:
        return b""
    if b"\\" not in raw:
        return raw
    try:
        return json.loads(b'"' + raw + b'"').encode("utf-8", "surrogatepass")
    except (ValueError, UnicodeDecodeError):
        raise Failure(MALFORMED, "the line is not an event of the ledger")


class Leaf:
    def __init__(self, line):
        m = LEAF_RE.fullmatch(line)
        if not m:
            raise Failure(MALFORMED, "the line is not an event of the ledger")
        g = m.groups()
        self.position, self.trail_position, self.version = int(g[0]), int(g[2]), int(g[4])
        if max(self.position, self.trail_position, self.version) >= 2**63:
            raise Failure(MALFORMED, "the line is not an event of the ledger")
        self.trail, self.type, self.data = unescape(g[1]), unescape(g[6]), g[13]
        self.cells = [b"%d" % self.position, b"%d" % self.trail_position, unescape(g[5]), self.type, unescape(g[3]),
                      b"%d" % self.version, unescape(g[7]), unescape(g[8]), unescape(g[9]), unescape(g[10]), unescape(g[11]), self.data]

    def row(self, digest):
        cells = []
        for n, text in enumerate(self.cells + [digest.hex().encode()]):
            if n in GUARDED and text[:1] in (b"=", b"+", b"-", b"@", b"\t", b"\r", b"\n"):
                text = b"'" + text
            cells.append(b'"' + text.replace(b'"', b'""') + b'"')
        return b",".join(cells) + b"\r\n"


CSV_HEADER = (",".join('"%s"' % c for c in CSV_COLUMNS) + "\r\n").encode()


def read_row(source):
    row = b""
    while True:
        part = source.readline(1 << 18)
        row += part
        if not part or (row.endswith(b"\n") and row.count(b'"') % 2 == 0) or len(row) >= 4 * MAX_LINE:
            return row


def listed_hash(row):
    text = row[:-3] if row.endswith(b'"\r\n') else row
    try:
        return bytes.fromhex(text[-64:].decode("ascii")) if len(text) >= 64 else None
    except (ValueError, UnicodeDecodeError):
        return None


# --- The pack ---------------------------------------------------------------

class Entry:
    """An entry that is read, and hashed on the way."""

    def __init__(self, pack, name):
        self.pack, self.name, self.sum, self.size = pack, name, hashlib.sha256(), 0
        try:
            self.file = pack.zip.open(name)
        except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as e:
            raise Failure(MALFORMED, "%s: %s" % (name, e))
        self.file._expected_crc = None  # the hashes and the proof tell more than the checksum of the zip

    def note(self, data):
        self.sum.update(data)
        self.size += len(data)
        return data

    def readline(self, limit):
        return self.note(self.file.readline(limit))

    def read(self, size=-1):
        return self.note(self.file.read(size))

    def done(self):
        while self.read(1 << 20):
            pass
        self.pack.sums[self.name] = {"name": self.name, "size": self.size, "sha256": self.sum.hexdigest()}


class Pack:
    def __init__(self, path, keys, organization):
        self.keys_given, self.organization = keys, organization
        self.sums, self.strange = {}, None
        try:
            self.zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError) as e:
            raise Failure(MALFORMED, "this is no zip: %s" % e)
        self.names = [i.filename for i in self.zip.infolist()]
        at = 0
        for name, method in [(i.filename, i.compress_type) for i in self.zip.infolist()]:
            if name not in ORDER[at:]:
                raise Failure(MALFORMED, "the entry %r does not belong here" % name)
            step = ORDER[at:].index(name)
            for missing in ORDER[at: at + step]:
                if not missing.startswith(OPENING):
                    raise Failure(MALFORMED, "the entry %s is missing" % missing)
            if method != zipfile.ZIP_STORED:  # so that no few bytes can become many
                raise Failure(MALFORMED, "the entry %s is compressed, which those of a pack are not" % name)
            at += step + 1
        if at < len(ORDER):
            raise Failure(MALFORMED, "the entry %s is missing" % ORDER[at])
        self.opening = sum(name.startswith(OPENING) for name in self.names)
        if self.opening not in (0, 5):
            raise Failure(MALFORMED, "of the opening, %d of 5 entries are there" % self.opening)

    def small(self, name):
        entry = Entry(self, name)
        text = entry.read()
        entry.done()
        return text

    def verify(self):
        raw = self.small("manifest.json")
        self.manifest = m = self.read_manifest(raw)
        if self.organization and self.organization != m["organization"]:
            raise Failure(ALTERED, "this is a pack of organization %s, not of %s" % (m["organization"], self.organization))
        texts = self.keys_given or self.small("keys/log.vkey").decode("utf-8", "replace").rstrip("\n").split("\n")
        self.keys = [parse_key(text) for text in texts]
        self.prove()
        self.disclosures()
        self.files()
        try:
            body, _ = open_note(self.small("manifest.note"), self.keys)
        except Failure as f:
            raise Failure(UNSIGNED, "the manifest is not the one that was signed: %s" % f.args[0])
        if body != "evidence pack manifest\nsha256 %s\n" % hashlib.sha256(raw).hexdigest():
            raise Failure(UNSIGNED, "the manifest is not the one that was signed")
        c = self.checkpoint
        claimed = m["checkpoint"]
        if (m["after"], m["through"], m["events"]) != (self.after, self.through, self.through - self.after) or \
                (claimed["origin"], claimed["size"], claimed["root"]) != (c["origin"], c["size"], c["root_text"]):
            raise Failure(ALTERED, "the manifest speaks of other events or of another checkpoint than the proof")
        if not self.keys_given:
            raise Failure(UNPINNED, "all agrees, but the keys came with the pack: get the log's key from elsewhere and give it with --key")

    def read_manifest(self, raw):
        try:
            m = json.loads(raw.decode("utf-8"))
            again = json.dumps(m, indent=2, ensure_ascii=False) + "\n"
        except (ValueError, UnicodeDecodeError) as e:
            raise Failure(MALFORMED, "the manifest: %s" % e)
        for char, escape in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
            again = again.replace(char, escape)
        if not isinstance(m, dict) or list(m) != MANIFEST_MEMBERS or again.encode("utf-8") != raw or m["format"] != FORMAT:
            raise Failure(MALFORMED, "the manifest is not in the form in which it is written")
        try:
            ok = all(isinstance(m[k], int) for k in ("events", "after", "through")) and \
                list(m["checkpoint"]) == ["origin", "size", "root"] and all(list(f) == ["name", "size", "sha256"] for f in m["files"])
        except TypeError:
            ok = False
        if not ok:
            raise Failure(MALFORMED, "the manifest is not in the form in which it is written")
        self.start, self.end = to_time(m["from"]), to_time(m["to"])
        return m

    def bound(self, end):
        return {part: self.small(end + part) for part in PARTS}, \
            parse_proof(self.small(end + ".epoch.proof")), parse_proof(self.small(end + ".head.proof"))

    def open_bound(self, bound, index):
        files, epoch_proof, head_proof = bound
        checkpoint = open_checkpoint(files[".checkpoint"], self.keys)
        epoch = parse_epoch(files[".epoch"])
        if not check_inclusion(epoch["number"], checkpoint["size"], leaf_hash(files[".epoch"]), checkpoint["root"], epoch_proof):
            raise Failure(ALTERED, "epoch %d is not in the signed log" % epoch["number"])
        if not files[".head"] and index >= epoch["organizations"]:
            return checkpoint, epoch, {"index": index, "size": 0, "root": EMPTY}
        head = parse_head(files[".head"])
        if head["index"] != index:
            raise Failure(ALTERED, "the head in epoch %d is that of organization %d, not %d" % (epoch["number"], head["index"], index))
        if not check_inclusion(index, epoch["organizations"], leaf_hash(files[".head"]), epoch["heads"], head_proof):
            raise Failure(ALTERED, "the organization's head is not in epoch %d" % epoch["number"])
        if head["size"] > epoch["size"]:
            raise Failure(FORKED, "epoch %d counts more events in one trail than in the whole log" % epoch["number"])
        return checkpoint, epoch, head

    def index(self, first):
        leaf = Leaf(first)
        if leaf.trail.decode("utf-8", "replace") != self.manifest["organization"] or leaf.trail_position != 1 or leaf.type != b"organization.created":
            raise Failure(MALFORMED, "the first leaf is not the creation of organization %s" % self.manifest["organization"])
        try:
            index = json.loads(leaf.data)["index"]
        except (ValueError, KeyError):
            index = None
        if not isinstance(index, int) or isinstance(index, bool):
            raise Failure(MALFORMED, "the first leaf names no index")
        return index

    def prove(self):
        closing = self.bound(CLOSING)
        opening = self.bound(OPENING) if self.opening else None
        first = self.small("proof/first.leaf")
        consistency = parse_proof(self.small("proof/consistency"))
        frontier = parse_frontier(self.small("proof/frontier"))
        first_proof = parse_proof(self.small("proof/first.proof"))
        index = self.index(first)
        older = self.open_bound(opening, index) if opening else None
        checkpoint, epoch, head = self.open_bound(closing, index)
        if self.start >= self.end:
            raise Failure(MALFORMED, "the period ends before it starts")
        if epoch["time"] < self.end:
            raise Failure(INCOMPLETE, "the closing epoch is of %s, before the end of the period: later events could be missing" % epoch["at"])
        self.after = 0
        if older is None:
            if frontier.size != 0:
                raise Failure(INCOMPLETE, "the evidence begins after trail position %d without an opening checkpoint" % frontier.size)
        else:
            self.check_older(older, (checkpoint, epoch, head), consistency, frontier)
            self.after = older[2]["size"]
        if not check_inclusion(0, head["size"], leaf_hash(first), head["root"], first_proof):
            raise Failure(ALTERED, "the trail does not begin with the event that the evidence gives as its first")
        try:
            self.walk(frontier, head)
        except Failure as f:
            if f.verdict == MALFORMED and self.strange and f.line == self.strange.line:
                raise self.strange
            raise
        if self.strange:
            raise self.strange
        self.checkpoint, self.closing, self.through = checkpoint, epoch, head["size"]

    def check_older(self, older, newer, consistency, frontier):
        c, e, h = older
        if e["time"] > self.start:
            raise Failure(INCOMPLETE, "the opening epoch is of %s, after the start of the period: earlier events could be missing" % e["at"])
        if c["origin"] != newer[0]["origin"]:
            raise Failure(FORKED, "the two checkpoints are of two logs")
        if not check_consistency(c["size"], newer[0]["size"], c["root"], newer[0]["root"], consistency):
            raise Failure(FORKED, "the two checkpoints are not of one log: its history was rewritten or there are two")
        if e["number"] > newer[1]["number"] or e["size"] > newer[1]["size"] or \
                e["organizations"] > newer[1]["organizations"] or h["size"] > newer[2]["size"]:
            raise Failure(FORKED, "the log went backwards between the epochs %d and %d" % (e["number"], newer[1]["number"]))
        if frontier.size != h["size"] or frontier.root() != h["root"]:
            raise Failure(ALTERED, "the frontier is not that of the trail at the opening checkpoint")

    def differs(self, line, position):
        if self.strange is None:
            self.strange = Failure(ALTERED, "events.csv does not say what the event's line says", position, line)

    def walk(self, trail, head):
        """Every line at its place, and together the signed tree."""
        lines, rows = Entry(self, "events.jsonl"), Entry(self, "events.csv")
        if read_row(rows) != CSV_HEADER:
            self.differs(0, 0)
        listed, suspect, n = None, None, 0
        while True:
            line = lines.readline(MAX_LINE)
            if not line:
                break
            n += 1
            at = trail.size + 1
            if not line.endswith(b"\n"):
                raise Failure(MALFORMED, "events.jsonl: a line without an end, or too long", 0, n)
            line = line[:-1]
            try:
                leaf = Leaf(line)
            except Failure as f:
                raise Failure(f.verdict, f.args[0], 0, n)
            row, digest = read_row(rows), leaf_hash(line)
            if row != leaf.row(digest):
                self.differs(n, leaf.trail_position)
            if leaf.trail_position > at:
                raise Failure(INCOMPLETE, "this event is missing; the next one there is %d" % leaf.trail_position, at, n)
            if leaf.trail_position < at:
                raise Failure(ALTERED, "event %d stands here a second time or out of order" % leaf.trail_position, at, n)
            if at > head["size"]:
                raise Failure(ALTERED, "the trail had %d events, so this one was added" % head["size"], at, n)
            expected = listed_hash(row)
            if expected is None or expected == bytes(32):
                expected = digest
            if suspect is None and expected != digest:
                suspect, listed = Failure(ALTERED, "this event is not the one that was recorded", at, n), trail.copy()
            if suspect is not None:
                listed.append(expected)
            trail.append(digest)
        if read_row(rows):
            self.differs(self.manifest["events"] + 1, 0)
        lines.done()
        rows.done()
        if trail.size < head["size"]:
            raise Failure(INCOMPLETE, "the trail has %d events and the evidence ends before this one" % head["size"], trail.size + 1, 0)
        if trail.root() == head["root"]:
            if suspect is not None:
                raise Failure(MALFORMED, "the events are those that were recorded, but the list of their hashes differs", suspect.position, suspect.line)
            return
        if suspect is not None and listed.root() == head["root"]:
            raise suspect
        raise Failure(ALTERED, "at least one event up to trail position %d is not the one that was recorded; the evidence does not tell which" % head["size"])

    def disclosures(self):
        entry, events, n, line = Entry(self, "disclosures.jsonl"), None, 0, b""
        number = 0
        while True:
            text = entry.readline(4 * MAX_LINE)
            if not text:
                break
            number += 1
            try:
                d = json.loads(text)
                where, field, value = d["line"], d["field"], d["value"]
                nonce, commits, position = d["nonce"], d["commitment"], d["position"]
                ok = text.endswith(b"\n") and isinstance(where, int) and all(isinstance(s, str) for s in (field, value, nonce, commits))
            except (ValueError, KeyError, TypeError):
                ok = False
            if not ok:
                raise Failure(MALFORMED, "disclosures.jsonl, line %d is not in its form" % number)
            if events is None:
                events = Entry(self, "events.jsonl")
            if where < n or where < 1:
                raise Failure(MALFORMED, "disclosures.jsonl: the lines are not in the order of the events")
            while n < where:
                line = events.readline(MAX_LINE)
                if not line:
                    raise Failure(MALFORMED, "disclosures.jsonl: there is no line %d of events.jsonl" % where)
                n += 1
            leaf = Leaf(line.rstrip(b"\n"))
            if leaf.position != position:
                raise Failure(ALTERED, "disclosure of %s: position %d does not stand there" % (field, position), 0, where)
            if json.loads(leaf.data).get(field) != commits:
                raise Failure(ALTERED, "disclosure of %s: the event has another commitment" % field, 0, where)
            try:
                key = bytes.fromhex(nonce)
            except ValueError:
                key = b""
            made = hmac.new(key, field.encode() + b"\x00" + value.encode(), hashlib.sha256).digest()
            if len(key) != 32 or base64.urlsafe_b64encode(made).rstrip(b"=").decode() != commits:
                raise Failure(ALTERED, "disclosure of %s: the value is not the one that the event committed to" % field, 0, where)
        entry.done()

    def files(self):
        listed = self.manifest["files"]
        want = [name for name in self.names if name not in ("manifest.json", "manifest.note", "run.json")]
        if [f["name"] for f in listed] != want:
            raise Failure(MALFORMED, "the manifest lists other entries than there are")
        for f in listed:
            if f["name"] not in self.sums:
                Entry(self, f["name"]).done()
            if self.sums[f["name"]] != f:
                raise Failure(ALTERED, "%s is not the file that the manifest lists" % f["name"])


def main():
    parser = argparse.ArgumentParser(description="Verify an evidence pack of tokenledger.")
    parser.add_argument("pack")
    parser.add_argument("--key", action="append", default=[], help="verifier key of the log, or @FILE with one a line; from elsewhere than the pack")
    parser.add_argument("--organization", default="", help="the organization whose pack this should be")
    args = parser.parse_args()
    keys = []
    for key in args.key:
        if key.startswith("@"):
            with open(key[1:], encoding="utf-8") as f:
                keys += [line for line in f.read().split("\n") if line.strip()]
        else:
            keys.append(key)
    try:
        pack = Pack(args.pack, keys, args.organization)
        pack.verify()
    except Failure as f:
        print(f, file=sys.stderr)
        return f.verdict
    m = pack.manifest
    print("verified complete: organization %s, %s to %s, %d events (%d to %d of its trail), checkpoint %d of %s" % (
        m["organization"], m["from"], m["to"], m["events"], m["after"] + 1, m["through"], pack.checkpoint["size"], pack.checkpoint["origin"]))
    return VERIFIED


if __name__ == "__main__":
    sys.exit(main())

"""Ten harmless rewritings of a message: what relays, gateways and mail programs do to mail on its way, without changing what it says.

Each takes the message's octets and returns others, or the same ones where there is nothing to rewrite. What is written in a returned original
(message/rfc822, text/rfc822-headers) stays as it is, except for `quoted`, and so do signed parts and everything that can't be parsed.

The message is a tree of entities (RFC 2045) over its octets. `Entity.parse(octets).octets()` returns the same octets, whatever they are.
"""

import base64
import binascii
import functools
import html
import quopri
import re
import textwrap

DEEPEST = 20
# The fields that tell the message's way. Their order, among themselves and to the fields above, has a meaning.
TRACE = re.compile(
    rb"(?i)(received|return-path|delivered-to|x-original-to|envelope-to|x-envelope-.*|resent-.*|authentication-results|received-spf|arc-.*|dkim-.*"
    rb"|domainkey-.*|x-delivered-to|x-received|x-spam.*|x-virus.*|x-scanned.*)$"
)
FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")


def unfolded(value):
    return re.sub(rb"\r?\n(?=[ \t])", b"", value)


class Entity:
    """A header, and a body or parts."""

    def __init__(self):
        self.before = b""  # the `From ` line of an mbox
        self.fields = []  # octets of each, with its continuation lines and line ends
        self.blank = b""  # the empty line after the header; b"": there is none, nor a body
        self.body = b""
        self.parts = []  # of a multipart, between whose delimiters they stand
        self.delimiters = []  # one more than parts, if the last one is there: the octets of each delimiter line, with the line end before it
        self.preamble = self.epilogue = b""

    @classmethod
    def parse(cls, octets, depth=0):
        entity = cls()
        if depth == 0 and octets.startswith(b"From "):
            entity.before = octets[: octets.find(b"\n") + 1]
        at = len(entity.before)
        while at < len(octets):
            end = octets.find(b"\n", at) + 1 or len(octets)
            line = octets[at:end]
            if line.strip(b"\r\n") == b"":
                entity.blank = line
                at = end
                break
            if entity.fields and line[:1] in b" \t":
                entity.fields[-1] += line
            elif FIELD.match(line):
                entity.fields.append(line)
            else:
                break  # a body without an empty line before it
            at = end
        entity.body = octets[at:]
        boundary = entity.boundary()
        if boundary and depth < DEEPEST:
            entity.split(boundary, depth)
        return entity

    def split(self, boundary, depth):
        pattern = re.compile(rb"(?:^|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
        begins, at = [], 0
        while found := pattern.search(self.body, at):
            # The delimiter's own line end belongs to it, but may also be the one before the next delimiter (an empty part).
            end = found.end()
            end += 2 if self.body.startswith(b"\r\n", end) else 1 if self.body.startswith(b"\n", end) else 0
            begins.append((found.start(), end))
            if found[1]:
                break
            at = max(end - 1, found.end())
        if not begins or any(begin < end for (_, end), (begin, _) in zip(begins, begins[1:])):
            return
        closed = bool(pattern.match(self.body, begins[-1][0])[1])
        self.preamble = self.body[: begins[0][0]]
        self.delimiters = [self.body[begin:end] for begin, end in begins]
        ends = [begin for begin, _ in begins[1:]] + ([] if closed else [len(self.body)])
        self.parts = [Entity.parse(self.body[end:stop], depth + 1) for (_, end), stop in zip(begins, ends)]
        self.epilogue = self.body[begins[-1][1] :] if closed else b""

    def octets(self):
        out = [self.before, *self.fields, self.blank]
        if self.delimiters:
            out.append(self.preamble)
            for number, delimiter in enumerate(self.delimiters):
                out.append(delimiter)
                if number < len(self.parts):
                    out.append(self.parts[number].octets())
            out.append(self.epilogue)
        else:
            out.append(self.body)
        return b"".join(out)

    def value(self, name):
        """Of the first field of that name, unfolded; b"" if there is none."""
        for field in self.fields:
            if field.split(b":", 1)[0].strip().lower() == name:
                return unfolded(field.split(b":", 1)[1]).strip()
        return b""

    def set(self, name, value):
        """Replaces the first field of that name, or adds one."""
        line = name + b": " + value + self.line_end()
        for number, field in enumerate(self.fields):
            if field.split(b":", 1)[0].strip().lower() == name.lower():
                self.fields[number] = line
                return
        self.fields.append(line)

    def line_end(self):
        first = self.fields[0] if self.fields else self.blank or self.body
        return b"\r\n" if b"\r\n" in first else b"\n"

    def type(self):
        return self.value(b"content-type").split(b";")[0].strip().lower() or b"text/plain"

    def parameter(self, name):
        found = re.search(rb"(?i);\s*" + name + rb'\s*=\s*(?:"([^"]*)"|([^\s;"]+))', self.value(b"content-type"))
        return (found[1] if found[1] is not None else found[2]) if found else b""

    def set_parameter(self, name, value):
        old = self.value(b"content-type") or b"text/plain"
        pattern = re.compile(rb"(?i)(;\s*" + name + rb"\s*=\s*)(?:\"[^\"]*\"|[^\s;\"]+)")
        new = pattern.sub(lambda m: m[1] + value, old, count=1) if pattern.search(old) else old + b"; " + name + b"=" + value
        self.set(b"Content-Type", new)

    def boundary(self):
        return self.parameter(b"boundary").rstrip() if self.type().startswith(b"multipart/") else b""

    def encoding(self):
        return self.value(b"content-transfer-encoding").lower()

    def is_attachment(self):
        return self.value(b"content-disposition").lower().startswith(b"attachment")

    def outer(self):
        """This entity and its parts, but nothing signed and nothing within a returned original."""
        yield self
        if self.type() not in (b"multipart/signed", b"multipart/encrypted"):
            for part in self.parts:
                yield from part.outer()

    # The text of a leaf, decoded; None if it isn't certain what it says.
    def text(self):
        octets = decoded(self.body, self.encoding())
        charset = (self.parameter(b"charset") or b"us-ascii").decode("ascii", "replace").lower()
        if octets is None or b"\0" in octets:
            return None
        if octets.isascii() and b"\x1b" not in octets and charset not in ("utf-7", "utf-16", "hz-gb-2312"):
            return octets.decode("ascii").replace("\r\n", "\n")
        charset = {"gb2312": "gb18030", "gbk": "gb18030", "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "iso-8859-1": "cp1252"}.get(charset, charset)
        try:
            return octets.decode(charset).replace("\r\n", "\n")
        except (LookupError, ValueError):
            return None

    def set_text(self, text, subtype=None):
        """In UTF-8, and quoted-printable where it isn't ASCII."""
        end = self.line_end()
        charset = b"us-ascii" if text.isascii() else b"utf-8"
        if subtype:
            self.set(b"Content-Type", b"text/" + subtype + b"; charset=" + charset)
        else:
            self.set_parameter(b"charset", charset)
        lines_are_short = all(len(line) < 900 for line in text.split("\n"))
        if text.isascii() and lines_are_short:
            self.set(b"Content-Transfer-Encoding", b"7bit")
            self.body = text.encode("ascii").replace(b"\n", end)
        else:
            self.set(b"Content-Transfer-Encoding", b"quoted-printable")
            self.body = quoted_printable(text.encode(), end)
        self.has_body(end)

    def has_body(self, end):
        if not self.blank:
            self.blank = end


def decoded(body, encoding):
    try:
        if encoding in (b"", b"7bit", b"8bit", b"binary"):
            return body
        if encoding == b"base64":
            return binascii.a2b_base64(body)
        if encoding == b"quoted-printable":
            return quopri.decodestring(body)
    except (binascii.Error, ValueError):
        pass
    return None


def quoted_printable(octets, end):
    return binascii.b2a_qp(octets.replace(b"\r\n", b"\n"), istext=True).replace(b"\n", end)


def declare_mime(root):
    if not root.value(b"mime-version"):
        root.set(b"MIME-Version", b"1.0")


def rewriting(change):
    """A rewriting of octets, by a function that changes the tree and says whether it did."""

    @functools.wraps(change)
    def rewritten(octets):
        root = Entity.parse(octets)
        return root.octets() if root.fields and change(root) else octets

    return rewritten


def change_texts(root, types, change):
    """Calls `change` with each outer leaf part of these types that a reader sees; it returns whether it changed it. Returns whether one was changed."""
    texts = [e for e in root.outer() if not e.delimiters and e.type() in types and not e.is_attachment() and e.body]
    done = any([change(part) for part in texts])
    if done:
        declare_mime(root)
    return done


PLAIN = (b"text/plain",)
PLAIN_AND_HTML = (b"text/plain", b"text/html")


@rewriting
def refolded(root):
    """Header fields unfolded, and folded anew after some 50 characters, at white space that is there (RFC 5322 §2.2.3): Exchange and many filters."""

    def fold(field):
        end = b"\r\n" if field.endswith(b"\r\n") else b"\n"
        name, _, value = unfolded(field).rstrip(b"\r\n").partition(b":")
        lines, line, in_quotes = [], name + b":", False
        for piece in re.findall(rb"[ \t]*[^ \t]+|[ \t]+$", value):
            # Only where something stands on the line, and outside of quotation marks.
            if len(line) + len(piece) > 50 and line.rstrip(b" \t") != name + b":" and not in_quotes and piece.strip() and piece[:1] in b" \t":
                lines.append(line)
                line = b"\t" + piece.lstrip(b" \t") if name.lower() != b"subject" else piece
            else:
                line += piece
            in_quotes ^= piece.count(b'"') % 2 == 1
        return b"".join(one + end for one in [*lines, line])

    for entity in root.outer():
        entity.fields = [fold(field) for field in entity.fields]
    return True


@rewriting
def utf8_base64(root):
    """Text parts in UTF-8 and base64, as Exchange and web mailers write them."""

    def change(part):
        text = part.text()
        if text is None:
            return False
        part.set_parameter(b"charset", b"utf-8")
        part.set(b"Content-Transfer-Encoding", b"base64")
        end = part.line_end()
        part.body = base64.encodebytes(text.replace("\n", "\r\n").encode()).replace(b"\n", end)
        part.has_body(end)
        return True

    return change_texts(root, PLAIN_AND_HTML, change)


@rewriting
def in_quoted_printable(root):
    """Text parts in quoted-printable, with the charset that they have: a relay whose next hop has no 8BITMIME (RFC 6152 §3)."""

    def change(part):
        plain = decoded(part.body, part.encoding())
        if plain is None or (not plain.isascii() and not part.parameter(b"charset")):
            return False
        part.set_parameter(b"charset", part.parameter(b"charset") or b"us-ascii")
        part.set(b"Content-Transfer-Encoding", b"quoted-printable")
        part.body = quoted_printable(plain, part.line_end())
        part.has_body(part.line_end())
        return True

    return change_texts(root, PLAIN_AND_HTML, change)


@rewriting
def other_boundaries(root):
    """Each multipart with another boundary, as whoever assembles a message again writes it."""
    entities = [e for e in root.outer() if e.delimiters]
    for number, entity in enumerate(entities):
        new = b"=_%d_A1B2C3D4.9F8E7D6C/mx.relay.example" % number
        old = b"--" + entity.boundary()
        entity.delimiters = [d.replace(old, b"--" + new, 1) for d in entity.delimiters]
        entity.set_parameter(b"boundary", b'"' + new + b'"')
    return bool(entities)


@rewriting
def order_and_case(root):
    """Field names in the other case, media types in capitals (as Pine writes them), and the author's fields, those below the trace, sorted by name."""

    def cased(field):
        name, colon, value = field.partition(b":")
        other = name.upper() if name.islower() else name.lower()
        if name.lower().strip() == b"content-type":
            value = re.sub(rb"^(\s*)([\w.+-]+/[\w.+-]+)", lambda m: m[1] + m[2].upper(), value)
        if name.lower().strip() == b"content-transfer-encoding":
            value = value.upper()
        return other + colon + value

    for entity in root.outer():
        names = [field.split(b":", 1)[0].strip() for field in entity.fields]
        first = max((number + 1 for number, name in enumerate(names) if TRACE.match(name)), default=0)
        # A stable sort: fields of one name stay in their order.
        below = sorted(entity.fields[first:], key=lambda field: field.split(b":", 1)[0].strip().lower())
        entity.fields = [cased(field) for field in entity.fields[:first] + below]
    return True


def other_line_ends(octets):
    """CRLF where all line ends are LF, else LF."""
    if b"\r\n" in octets:
        return octets.replace(b"\r\n", b"\n")
    return octets.replace(b"\n", b"\r\n")


@rewriting
def relayed(root):
    """A relay's fields on top: Received: and what filters add."""
    end = root.line_end()
    lines = [
        b"Received: from mx.relay.example (mx.relay.example [192.0.2.77])",
        b"\tby mail.trap.example.net (Postfix) with ESMTPS id 4RlyXW0Zb1z9sT",
        b"\tfor <trap@trap.example.net>; Fri, 27 Nov 2026 10:00:00 +0000 (UTC)",
        b"X-Virus-Scanned: Debian amavis at mail.trap.example.net",
        b"X-Spam-Flag: NO",
        b"X-Spam-Score: -1.9",
        b"X-Greylist: whitelisted by SQLgrey-1.8.0",
    ]
    root.fields.insert(0, b"".join(line + end for line in lines))
    return True


# Where a mailer's text ends and the header of the returned original begins.
KNOWN_FIELD = re.compile(
    r"(?i)(return-path|received|from|to|cc|subject|date|message-id|reply-to|sender|mime-version|content-type|content-transfer-encoding|x-[\w-]+"
    r"|delivered-to|references|in-reply-to|importance|user-agent|dkim-signature|authentication-results|envelope-to|delivery-date): "
)


def begin_of_original(lines):
    """The number of the first line of a header at the left margin with From: and two more known fields; None if there is none. Some mailers repeat their
    own header, without From:, before they say what failed."""
    for start, line in enumerate(lines):
        if not KNOWN_FIELD.match(line) or (start and lines[start - 1].strip()):
            continue
        names = set()
        for following in lines[start : start + 60]:
            if not following.strip():
                break
            if found := KNOWN_FIELD.match(following):
                names.add(found[1].lower())
            elif following[:1] not in (" ", "\t"):
                break
        if len(names) >= 3 and "from" in names:
            return start
    return None


@rewriting
def quoted(root):
    """The returned original, which stands in the text, quoted with `> ` line by line, as mailers do that mark it so. A message whose own text is quoted
    would be another one: a person's reply. So nothing but the original is quoted, and a message without one stays as it is."""

    has_own_text = False

    def change(part):
        nonlocal has_own_text
        text = part.text() if part.type() == b"text/plain" else None
        lines = text.split("\n") if text is not None else []
        begin = begin_of_original(lines)
        has_own_text = has_own_text or begin is None or any(line.strip() for line in lines[:begin])
        # With nothing above it, it isn't a returned original.
        if begin is None or not has_own_text:
            return False
        last = [lines.pop()] if lines[-1] == "" else []
        lines[begin:] = [("> " + line).rstrip() for line in lines[begin:]]
        part.set_text("\n".join([*lines, *last]))
        return True

    return change_texts(root, PLAIN_AND_HTML, change)


@rewriting
def html_only(root):
    """Text parts as HTML alone, as Exchange and gateways to web mail write them."""
    done = False
    for part in [e for e in root.outer() if e.type() == b"multipart/alternative" and e.delimiters]:
        kinds = [p.type() for p in part.parts]
        if b"text/html" in kinds and b"text/plain" in kinds:
            number = kinds.index(b"text/plain")
            del part.parts[number], part.delimiters[number]
            declare_mime(root)
            done = True

    def change(part):
        text = part.text()
        if text is None:
            return False
        lines = [re.sub(" (?= )", "&nbsp;", html.escape(line, quote=False)) for line in text.split("\n")]
        part.set_text("<html>\n<head><title>Mail</title></head>\n<body>\n" + "<br>\n".join(lines) + "</body>\n</html>\n", b"html")
        return True

    return change_texts(root, PLAIN, change) or done


@rewriting
def rewrapped(root):
    """Paragraphs filled to 72 columns, and longer lines broken there, up to the returned original. Lines that don't look like a paragraph's
    (indented, quoted, fields, SMTP replies, lists, tables) stay as they are, and so does what isn't separated by blanks."""
    is_own = re.compile(r"[\s<>|*#=+_-]|\d{3}[ -]|[\w-]+:|.*[:@]\s*$|.*  ")

    def filled(lines):
        out, paragraph = [], []

        def end_paragraph():
            # One line is filled only if it's too long, and several only if they look like filled ones: all but the last are long.
            is_prose = len(paragraph) > 1 and all(len(line) >= 40 for line in paragraph[:-1])
            if is_prose or any(len(line) > 72 for line in paragraph):
                blocks = [" ".join(line.strip() for line in paragraph)] if is_prose else paragraph
                for block in blocks:
                    out.extend(textwrap.wrap(block, 72, break_long_words=False, break_on_hyphens=False) or [""])
            else:
                out.extend(paragraph)
            paragraph.clear()

        for line in lines:
            if not line.strip() or is_own.match(line):
                end_paragraph()
                out.append(line)
            else:
                paragraph.append(line)
        end_paragraph()
        return out

    def change(part):
        text = part.text()
        if text is None:
            return False
        lines = text.split("\n")
        begin = begin_of_original(lines)
        begin = len(lines) if begin is None else begin
        new = filled(lines[:begin]) + lines[begin:]
        if new == lines:
            return False
        part.set_text("\n".join(new))
        return True

    return change_texts(root, PLAIN, change)


REWRITINGS = {
    "refolded": refolded,
    "utf8-base64": utf8_base64,
    "quoted-printable": in_quoted_printable,
    "boundaries": other_boundaries,
    "order-and-case": order_and_case,
    "line-ends": other_line_ends,
    "relayed": relayed,
    "quoted-original": quoted,
    "html-only": html_only,
    "rewrapped": rewrapped,
}

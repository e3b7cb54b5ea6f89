"""Damage to files: bytes, lines, fields, and the values of JSON and YAML; each a function of the generator."""

import copy
import json
import math

import numpy as np
import yaml

# What a number, a name or a field may become: nothing, other signs and sizes, no numbers, other scripts, code.
TOKENS = """0 -1 1 2 3 7 12 16 212 80 310 311 32 24 61 508 516 8 1000 250 0.5 -0.0 007 1e3 1e308 -1e308 1e-320 1e999
    nan -inf inf 999999999999 1000000000000000000000 -999999999999 0x10 1_000 12, ;; | " ' ( ) / \\ # : - ~ . .. ../..
    /etc ../../../../etc/passwd /etc/passwd NaN None null true yes no {} [] {'NORM': 100.0} {"NORM":NaN} 200/uV 0/mV
    200/mmHg 1000.0(0)/mV 1000(0)/mV -200(3)/V 200(1e9)/mV 1e400/mV 16x1+24 16x2 16:5 16+10 212x3 16x1+999999999999
    I II V1 aVR MLII v1 foot Ⅱ ＩＩ ١٢ é ÿ 心电图 \U0001f493 \u202e \ufeff __import__('os').system('true')""".split()
TOKENS += ["", " ", "\t", "\x00", "a" * 5000, "9" * 5000, "(" * 3000, "[" * 3000, "1" + " 1" * 50]
VALUES = [None, True, False, 0, -1, 1, 2, 7, 10**12, 10**30, -(10**12), 0.5, -0.5, 1.5, 1e308, math.nan, math.inf]
VALUES += [
    -math.inf,
    "",
    " ",
    "1e-3",
    "nan",
    "no",
    "a" * 3000,
    "心电图",
    "\x00",
    "../../etc/passwd",
    "os.system",
    "http://x",
    [],
    {},
]
VALUES += [[None], [[]], [1, 1], {"name": "x"}, {"class": "os.system"}, [{}], {"": ""}, {"a": {"b": {"c": 1}}}]


def pick(rng: np.random.Generator, options):
    return options[int(rng.integers(len(options)))]


def mutate_bytes(data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """Flipped, lost, doubled, moved and foreign bytes."""
    kind = pick(
        rng, ("flip", "flip", "set", "truncate", "delete", "double", "insert", "zero", "swap", "append", "empty")
    )
    size = len(data)
    if kind == "empty" or size < 2:
        return "empty", b""
    start = int(rng.integers(size))
    length = min(int(2 ** rng.uniform(0, 12)), size - start)
    part, out = data[start : start + length], bytearray(data)
    if kind == "flip":
        out[start] ^= 1 << int(rng.integers(8))
    elif kind == "set":
        out[start] = int(rng.integers(256))
    elif kind == "truncate":
        out = out[:start]
    elif kind == "delete":
        del out[start : start + length]
    elif kind == "double":
        out[start:start] = part
    elif kind == "insert":
        out[start:start] = rng.bytes(length)
    elif kind == "zero":
        out[start : start + length] = bytes([pick(rng, (0, 255))]) * length
    elif kind == "swap":
        other = int(rng.integers(size - length + 1))
        out[start : start + length], out[other : other + length] = data[other : other + length], part
    else:
        out += rng.bytes(length)
    return f"bytes {kind}", bytes(out)


def mutate_lines(text: str, rng: np.random.Generator, delimiter: str = " ") -> tuple[str, bytes]:
    """Lost, doubled and swapped lines and fields, foreign tokens, other line ends and encodings."""
    kinds = ("token", "token", "token", "token", "cut field", "double field", "swap fields", "delete line")
    kinds += ("double line", "swap lines", "crlf", "bom", "null", "delimiter", "comment", "blank", "latin", "bytes")
    kind = pick(rng, kinds)
    if kind == "bytes":
        return mutate_bytes(text.encode(), rng)
    if kind == "crlf":
        return kind, text.replace("\n", pick(rng, ("\r\n", "\r", "\n\n"))).encode()
    if kind == "bom":
        return kind, b"\xef\xbb\xbf" + text.encode() if rng.random() < 0.7 else text.encode("utf-16")
    if kind == "delimiter":
        other = pick(rng, (",", ";", "\t", "|", "  ", ""))
        return f"delimiter {other!r}", text.replace(delimiter, other).encode()
    lines = text.split("\n")
    row, other = int(rng.integers(len(lines))), int(rng.integers(len(lines)))
    if kind == "delete line":
        del lines[row]
    elif kind == "double line":
        lines.insert(other, lines[row])
    elif kind == "swap lines":
        lines[row], lines[other] = lines[other], lines[row]
    elif kind in ("comment", "blank"):
        lines.insert(row, "# a remark" if kind == "comment" else pick(rng, ("", "  ")))
    elif kind in ("null", "latin"):
        place = int(rng.integers(len(lines[row]) + 1))
        lines[row] = lines[row][:place] + ("\x00" if kind == "null" else "\xe9") + lines[row][place:]
        if kind == "latin":
            return kind, "\n".join(lines).encode("latin-1", errors="replace")
    else:
        kind, lines[row] = _mutate_field(lines[row], kind, rng, delimiter)
    return kind, "\n".join(lines).encode("utf-8", errors="replace")


def _mutate_field(line: str, kind: str, rng, delimiter: str) -> tuple[str, str]:
    fields = line.split(delimiter)
    place, other = int(rng.integers(len(fields))), int(rng.integers(len(fields)))
    if kind == "token":
        token = pick(rng, TOKENS)
        fields[place], kind = token, f"field {place} {token[:20]!r}"
    elif kind == "cut field":
        del fields[place]
    elif kind == "double field":
        fields.insert(other, fields[place])
    else:
        fields[place], fields[other] = fields[other], fields[place]
    return kind, delimiter.join(fields)


def mutate_tree(tree, rng: np.random.Generator):
    """One or two values of nested mappings and lists replaced, lost, renamed, doubled, wrapped or swapped."""
    tree, described = copy.deepcopy(tree), []
    for _ in range(int(rng.integers(1, 3))):
        places = list(_places(tree))
        if not places:
            break
        parent, key, name = pick(rng, places)
        kind = pick(rng, ("value", "value", "value", "delete", "rename", "double", "wrap", "swap", "deep"))
        described.append(f"{kind} {name}")
        if kind == "value":
            parent[key] = value = copy.deepcopy(pick(rng, VALUES))
            described[-1] += f" = {str(value)[:20]}"
        elif kind == "delete":
            del parent[key]
        elif kind == "rename":
            if isinstance(parent, dict):
                parent[pick(rng, (f"{key}s", str(key).upper(), "", "class", "auto_map", 7))] = parent.pop(key)
        elif kind == "double":
            parent[key] = [parent[key], copy.deepcopy(parent[key])]
        elif kind == "wrap":
            parent[key] = pick(rng, ({"value": parent[key]}, [parent[key]]))
        elif kind == "swap":
            other_parent, other_key, _ = pick(rng, places)
            parent[key], other_parent[other_key] = copy.deepcopy(other_parent[other_key]), copy.deepcopy(parent[key])
        else:
            for _ in range(pick(rng, (5, 100))):
                parent[key] = [parent[key]]
    return "; ".join(described), tree


def _places(tree, name=""):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield tree, key, f"{name}.{key}"
        yield from _places(value, f"{name}.{key}")


def mutate_json(text: str, rng: np.random.Generator) -> tuple[str, bytes]:
    """Values, then the text: doubled keys, nesting beyond any parser's depth, damaged characters."""
    choice = rng.random()
    if choice < 0.7:
        description, tree = mutate_tree(json.loads(text), rng)
        return description, json.dumps(tree, indent=2).encode()
    if choice < 0.75:
        depth = pick(rng, (500, 100_000))
        return f"deep {depth}", ('{"a":' * depth + "1" + "}" * depth).encode()
    if choice < 0.8:
        return "other root", pick(rng, (b"[]", b"1", b'"a"', b"null", b"", b"{}", b"\x00", b"{'a': 1}", b"[{}]"))
    return mutate_lines(text, rng, pick(rng, (" ", ":", ",", '"')))


def parse(text: str | bytes):
    """YAML by the parser in C, which the package does not use."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def mutate_yaml(text: str, rng: np.random.Generator) -> tuple[str, bytes]:
    """Values, then the text: tags, aliases that unfold without end, doubled keys, damaged characters."""
    choice = rng.random()
    if choice < 0.55:
        description, tree = mutate_tree(parse(text), rng)
        return description, yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).encode()
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    if choice < 0.75:
        row = int(rng.integers(len(lines)))
        name, evil = pick(rng, list(_yaml_evils(lines[row]).items()))
        if ":" in evil or name == "other root":
            lines[row] = evil
        return name, "\n".join(lines if name != "other root" else [evil]).encode()
    return mutate_lines(text, rng, pick(rng, (" ", ":", ",")))


def _yaml_evils(line: str) -> dict[str, str]:
    key, indent = line.partition(":")[0], " " * (len(line) - len(line.lstrip()))
    bomb = "[x, x, x, x, x, x, x, x, x]"
    for letter in "abcdefghi":
        bomb = f"[&{letter} {bomb}{f', *{letter}' * 8}]"
    return {
        "doubled line": f"{line}\n{line}",
        "alias bomb": f"{key}: {bomb}",
        "alias to itself": f"{key}: &a [*a]",
        "alias": f"{key}: [&a x, *a]",
        "merge": f"{indent}<<: {{a: 1}}\n{line}",
        "python object": f"{key}: !!python/object/apply:os.system ['true']",
        "python name": f"{key}: !!python/name:os.system",
        "unknown tag": f"{key}: !class os.system",
        "set": f"{key}: !!set {{a, b}}",
        "binary": f"{key}: !!binary aGVsbG8=",
        "date": f"{key}: 2001-01-01",
        "no date": f"{key}: 2001-13-45",
        "base 60": f"{key}: 1:60:60",
        "long integer": f"{key}: {'9' * 5000}",
        "list as key": f"{indent}? [a]\n{indent}: 1",
        "mapping as key": f"{indent}? {{a: 1}}\n{indent}: 1",
        "deep": f"{key}: {'[' * 3000}{']' * 3000}",
        "other root": f"- {key}: 1",
        "two documents": f"{line}\n---\na: 1",
        "tab": f"\t{line}",
    }

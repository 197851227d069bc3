# firn advise: the modules that are looked at; advise_rules.py, which follows, has the rules.
# Reads {"modules": [{"name", "path", "source", "opt", "form"}]} from the file that it is given, prints
# {"findings": [...], "errors": [...]}. Python's own parser reads the sources; nothing of them is run.
# The reasons are those of MicroPython's documentation, "MicroPython on microcontrollers". Sizes are of
# a 32-bit board: words of 4 bytes, a heap of blocks of 16.
import ast
import io
import json
import re
import sys
import tokenize

BLOCK = 16
WORD = 4
IGNORE = re.compile(r"#\s*firn:\s*ignore(-file)?(?:\[([a-z, -]+)\])?")
# method: which argument says how many bytes, what to call instead
READS = {"read": (0, "readinto"), "recv": (0, "readinto"), "readfrom": (1, "readfrom_into"),
         "readfrom_mem": (2, "readfrom_mem_into")}


def blocks(size):
    return -(-size // BLOCK) * BLOCK


def list_size(count):
    return BLOCK + blocks(WORD * max(count, 4))


def is_int(node, low=None, high=None):
    return (isinstance(node, ast.Constant) and type(node.value) is int
            and (low is None or low <= node.value <= high))


def is_byte(node):
    return is_int(node, 0, 255)


def is_constant(node):
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) or isinstance(node, ast.Tuple) and all(map(is_constant, node.elts))


def is_byte_list(node):
    return isinstance(node, ast.List) and len(node.elts) > 2 and all(map(is_byte, node.elts))


def is_call(node, *names):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


def bytes_literal(elements):
    return 'b"' + "".join("\\x%02x" % e.value for e in elements) + '"'


class Module:
    def __init__(self, given):
        self.name, self.path = given["name"], given["path"]
        self.opt, self.form = given.get("opt", -1), given.get("form", "bytecode")
        self.source = given["source"]
        self.lines = self.source.split("\n")
        self.tree = ast.parse(self.source)
        self.parents, self.findings = {}, []
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
        self.ignored, self.ignored_everywhere = {}, set()
        self.read_comments()

    def read_comments(self):
        for token in tokenize.generate_tokens(io.StringIO(self.source).readline):
            match = token.type == tokenize.COMMENT and IGNORE.search(token.string)
            if not match:
                continue
            rules = set(re.findall(r"[a-z-]+", match[2])) if match[2] else {"all"}
            if match[1]:
                self.ignored_everywhere |= rules
            else:
                self.ignored.setdefault(token.start[0], set()).update(rules)

    def is_silenced(self, node, rule):
        last = getattr(node, "end_lineno", node.lineno)
        rules = set(self.ignored_everywhere)
        for line in (node.lineno, last):
            rules |= self.ignored.get(line, set())
        return bool(rules & {rule, "all"})

    def ancestors(self, node):
        while node in self.parents:
            node = self.parents[node]
            yield node

    def function_of(self, node):
        return next((a for a in self.ancestors(node)
                     if isinstance(a, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))), None)

    def loop_of(self, node):
        """The loop that runs it again and again, in the same function."""
        child = node
        for a in self.ancestors(node):
            if isinstance(a, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
                return None
            if isinstance(a, ast.While) and child in a.body or \
                    isinstance(a, (ast.For, ast.AsyncFor)) and child in a.body:
                return a
            child = a
        return None

    def uses(self, name):
        return [n for n in ast.walk(self.tree) if isinstance(n, ast.Name) and n.id == name]

    def say(self, rule, node, message, reason, saving=None, fix=None):
        """saving: {"bytes", "of": "ram" or "flash", "each": "import", "pass" or "image"}, estimated. fix:
        [(line, column, end line, end column, text)]."""
        if self.is_silenced(node, rule):
            return
        self.findings.append({
            "path": self.path, "module": self.name, "rule": rule, "line": node.lineno,
            "column": node.col_offset + 1, "length": self.length(node), "message": message,
            "reason": reason, "saving": saving, "fix": fix,
            "source": self.lines[node.lineno - 1]})

    def length(self, node):
        if node.end_lineno != node.lineno:
            return len(self.lines[node.lineno - 1].encode()) - node.col_offset
        return node.end_col_offset - node.col_offset

    def place(self, node, text):
        return [node.lineno, node.col_offset, node.end_lineno, node.end_col_offset, text]


# ---- what other modules take of one ----

def names_taken(modules, name):
    """Names of the module `name` that others use; None: perhaps all."""
    taken = set()
    short = name.rpartition(".")[2]
    for other in modules:
        aliases = {short}
        for node in ast.walk(other.tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.rpartition(".")[2] == short \
                    or isinstance(node, ast.ImportFrom) and not node.module:
                for alias in node.names:
                    if alias.name == "*":
                        return None
                    taken.add(alias.name)
                    aliases.add(alias.asname or alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.rpartition(".")[2] == short and alias.asname:
                        aliases.add(alias.asname)
        if other.name != name:
            taken |= {n.attr for n in ast.walk(other.tree) if isinstance(n, ast.Attribute)}
    return taken



# ---- the rules ----

def const_public(m, taken):
    for node in m.tree.body:
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1 and is_call(node.value, "const")
                and isinstance(node.targets[0], ast.Name)):
            continue
        name = node.targets[0].id
        if name.startswith("_") or taken is None or name in taken:
            continue
        m.say("const-public", node.targets[0], f"'{name}' is kept in the module's dictionary",
              f"no other module uses it: as '_{name}' it takes no RAM",
              {"bytes": 2 * WORD, "of": "ram", "each": "import"})


def string_concat(m, taken):
    def literal(node):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return literal(node.left) and literal(node.right) and type(value(node.left)) is type(value(node.right))
        return isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))

    def value(node):
        return value(node.left) + value(node.right) if isinstance(node, ast.BinOp) else node.value

    for node in ast.walk(m.tree):
        if not (isinstance(node, ast.BinOp) and literal(node)) or literal(m.parents.get(node)):
            continue
        parts, at = [], node
        while isinstance(at, ast.BinOp):
            parts.insert(0, at.right)
            at = at.left
        parts.insert(0, at)
        fix = None
        if all(isinstance(p, ast.Constant) for p in parts) and node.lineno == node.end_lineno:
            line = m.lines[node.lineno - 1].encode()
            fix = [m.place(node, " ".join(line[p.col_offset:p.end_col_offset].decode() for p in parts))]
        if not all(p.value for p in parts if isinstance(p, ast.Constant)):
            continue  # with an empty one nothing is made
        total = len(value(node).encode() if isinstance(value(node), str) else value(node))
        m.say("string-concat", node, "literals are joined when the program runs",
              "side by side, without +, the compiler joins them",
              {"bytes": BLOCK + blocks(total + 1), "of": "ram", "each": "pass"}, fix)


def constant_list(m, taken):
    """A list that nobody can keep or change: it is iterated over, searched, or turned into bytes."""
    for node in ast.walk(m.tree):
        iterated = isinstance(node, (ast.For, ast.AsyncFor)) and node.iter
        searched = isinstance(node, ast.Compare) and len(node.ops) == 1 \
            and isinstance(node.ops[0], (ast.In, ast.NotIn)) and node.comparators[0]
        turned = is_call(node, "bytes", "bytearray") and len(node.args) == 1 and node.args[0]
        for what in (iterated, searched, turned):
            if not isinstance(what, ast.List) or len(what.elts) < 2 or not all(map(is_constant, what.elts)):
                continue
            saving = {"bytes": list_size(len(what.elts)), "of": "ram", "each": "pass"}
            if all(map(is_byte, what.elts)) and not searched:
                m.say("int-list", what, "a list of small integers is made each time this runs",
                      "bytes hold the same in a quarter of the space, and a constant is made once",
                      saving, [m.place(what, bytes_literal(what.elts))])
            elif not turned:
                inner = ast.get_source_segment(m.source, what)
                m.say("constant-list", what, "a list of constants is made each time this runs",
                      "a tuple of constants is made once, by the compiler, and lies in flash",
                      saving, [m.place(what, "(" + inner[1:-1] + ")")] if inner else None)


def read_only_parameter(function, index):
    """Does the function only iterate over this argument, index it or ask for its length?"""
    arguments = function.args.posonlyargs + function.args.args
    if index >= len(arguments) or function.args.vararg:
        return False
    name = arguments[index].arg
    allowed = set()
    for node in ast.walk(function):
        if isinstance(node, (ast.For, ast.comprehension)):
            allowed.add(node.iter)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) \
                and not isinstance(node.slice, ast.Slice):
            allowed.add(node.value)
        elif is_call(node, "len", "sum", "min", "max", "bytes", "bytearray"):
            allowed.update(node.args)
    uses = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == name]
    return bool(uses) and all(n in allowed for n in uses)


def int_list_argument(m, taken):
    functions = {}
    for node in ast.walk(m.tree):
        if isinstance(node, ast.FunctionDef):
            functions.setdefault(node.name, []).append(node)
    for node in ast.walk(m.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        defined = functions.get(node.func.id, [])
        if len(defined) != 1 or m.parents[defined[0]] is not m.tree or \
                sum(isinstance(n.ctx, ast.Store) for n in m.uses(node.func.id)):
            continue
        for i, argument in enumerate(node.args):
            if is_byte_list(argument) and read_only_parameter(defined[0], i):
                m.say("int-list", argument, "a list of small integers is made each time this runs",
                      f"'{node.func.id}' only reads it: bytes hold the same in a quarter of the space, and "
                      "a constant is made once",
                      {"bytes": list_size(len(argument.elts)), "of": "ram", "each": "pass"},
                      [m.place(argument, bytes_literal(argument.elts))])


def variable_tuple(m, taken):
    """Constants by name, which const() would make constants for the compiler, too."""
    simple = {}
    for node in m.tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name) \
                and is_int(node.value):
            name = node.targets[0].id
            if sum(isinstance(n.ctx, (ast.Store, ast.Del)) for n in m.uses(name)) == 1 \
                    and not any(isinstance(n, ast.Global) and name in n.names for n in ast.walk(m.tree)):
                simple[name] = node
    for node in ast.walk(m.tree):
        if not (isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load) and m.function_of(node)):
            continue
        names = [e.id for e in node.elts if isinstance(e, ast.Name) and e.id in simple]
        shadowed = {a.arg for f in [m.function_of(node)] for a in ast.walk(f) if isinstance(a, ast.arg)}
        if names and not shadowed & set(names) and len(node.elts) > 1 \
                and all(is_constant(e) or isinstance(e, ast.Name) and e.id in simple for e in node.elts):
            m.say("variable-tuple", node, "a tuple is made each time this runs",
                  f"with {', '.join(n + ' = const(...)' for n in dict.fromkeys(names))} all of it is constant: made "
                  "once, in flash",
                  {"bytes": blocks(2 * WORD + WORD * len(node.elts)), "of": "ram", "each": "pass"})


def escapes(m, loop, name, value):
    """Is what was read kept beyond the pass: stored, returned, yielded, collected?"""
    for node in ast.walk(loop):
        if not (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)):
            continue
        child = node
        for a in m.ancestors(node):
            if isinstance(a, (ast.Return, ast.Yield, ast.YieldFrom, ast.Lambda, ast.FunctionDef)):
                return True
            if isinstance(a, (ast.Assign, ast.AugAssign)) and child is a.value and \
                    isinstance(child, (ast.Name, ast.Tuple, ast.List, ast.Dict, ast.BinOp)):
                return True
            if isinstance(a, ast.Call) and isinstance(a.func, ast.Attribute) and child in a.args \
                    and a.func.attr in ("append", "extend", "add", "put", "insert", "send_later", "setdefault"):
                return True
            if a is loop:
                break
            child = a
    return False


def buffer_in_loop(m, taken):
    for node in ast.walk(m.tree):
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1
                and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call)):
            continue
        loop, call, name = m.loop_of(node), node.value, node.targets[0].id
        if not loop or escapes(m, loop, name, call):
            continue
        if isinstance(call.func, ast.Attribute) and call.func.attr in READS:
            index, instead = READS[call.func.attr]
            if len(call.args) <= index or not is_int(call.args[index], 2, 65536):
                continue
            size = call.args[index].value
            m.say("buffer-in-loop", call, f"a buffer of {size} bytes is made on each pass",
                  f"{instead}() fills one that was made before the loop",
                  {"bytes": BLOCK + blocks(size + 1), "of": "ram", "each": "pass"})
        elif is_call(call, "bytearray") and len(call.args) == 1 and is_int(call.args[0], 1, 1 << 20):
            m.say("buffer-in-loop", call, f"a buffer of {call.args[0].value} bytes is made on each pass",
                  "made before the loop it is made once, and does not tear the heap apart",
                  {"bytes": BLOCK + blocks(call.args[0].value), "of": "ram", "each": "pass"})


def runtime_compiler(m, taken):
    own = {n.name for n in ast.walk(m.tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))} | \
        {n.id for n in ast.walk(m.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} | \
        {a.asname or a.name for n in ast.walk(m.tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    for node in ast.walk(m.tree):
        if isinstance(node, ast.Call) and is_call(node, "eval", "exec", "execfile", "compile") \
                and node.func.id not in own:
            m.say("runtime-compiler", node, f"{node.func.id}() runs the compiler on the board",
                  "the compiler needs much RAM while it works")
        elif isinstance(node, ast.Import) and any(a.name == "pickle" for a in node.names) or \
                isinstance(node, ast.ImportFrom) and node.module == "pickle":
            m.say("runtime-compiler", node, "micropython-lib's pickle uses exec()",
                  "json stores objects without the compiler")


def is_script(m):
    return m.name in ("main", "boot")


def import_work(m, taken):
    if is_script(m):
        return
    loops = [n for n in m.tree.body if isinstance(n, (ast.For, ast.While)) and not m.is_silenced(n, "import-work")]
    if loops:
        m.say("import-work", loops[0],
              "a loop runs when the module is imported" if len(loops) == 1 else
              f"this loop and {len(loops) - 1} more run when the module is imported",
              "work at import takes RAM while others are still to be imported: do it in a function that is "
              "called afterwards")


def import_object(m, taken):
    if is_script(m):
        return
    classes = {n.name for n in m.tree.body if isinstance(n, ast.ClassDef)}
    for node in m.tree.body:
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)):
            continue
        name, value = node.targets[0].id, node.value
        size = None
        if isinstance(value, ast.List) and len(value.elts) > 3:
            nested = [e for e in value.elts if isinstance(e, ast.List)]
            size = list_size(len(value.elts)) + sum(list_size(len(e.elts)) for e in nested)
        elif isinstance(value, ast.Dict) and len(value.keys) > 1:
            size = BLOCK + blocks(2 * WORD * len(value.keys))
        elif isinstance(value, ast.Set) and len(value.elts) > 1:
            size = BLOCK + blocks(WORD * len(value.elts))
        elif is_call(value, "bytearray") and len(value.args) == 1 and is_int(value.args[0], 16, 1 << 20):
            size = BLOCK + blocks(value.args[0].value)
        elif isinstance(value, (ast.ListComp, ast.DictComp, ast.SetComp)) or is_call(value, *classes):
            size = 0
        if size is None:
            continue
        m.say("import-object", value, f"'{name}' is made in RAM when the module is imported",
              "objects made at import leave less RAM to the modules that come after: make it when it is needed"
              + (", or of bytes and tuples, which stay in flash" if isinstance(value, (ast.List, ast.Set)) else ""),
              {"bytes": size, "of": "ram", "each": "import"} if size else None)


# The two estimates below were fitted to what mpy-cross and the emulator say of MicroPython's tests and of
# Python's own library (docs/economy.md).

def code_size(node, local):
    """Bytes of bytecode for an expression; local: the names that are its function's own."""
    size = 0
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            size += 1 if part.id in local else 3
        elif isinstance(part, ast.Constant):
            size += 1 if is_int(part, -16, 47) or part.value in (None, True, False) else 3
        elif isinstance(part, ast.Attribute):
            size += 3
        elif isinstance(part, (ast.Call, ast.Tuple, ast.List, ast.JoinedStr)):
            size += 2
        elif isinstance(part, (ast.Compare, ast.BinOp, ast.UnaryOp, ast.Subscript)):
            size += 1
        elif isinstance(part, ast.BoolOp):
            size += 2 * (len(part.values) - 1)
    return size


def assertion_size(m, node):
    """Bytes of flash: the test, the jump, the raise, and the message, whose text is a name or an object."""
    function = m.function_of(node)
    local = {n.arg for n in ast.walk(function) if isinstance(n, ast.arg)} | \
        {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} \
        if function else set()
    size = 7 + code_size(node.test, local)
    if node.msg:
        size += 2 + code_size(node.msg, local)
        size += sum(2 + len(n.value.encode()) for n in ast.walk(node.msg)
                    if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return size


def compiled_size(m):
    """Bytes of RAM for a module that is compiled on the board: the code of its functions, and the names
    that are not in flash."""
    nodes = functions = 0
    for node in ast.walk(m.tree):
        if not m.function_of(node):
            continue
        nodes += isinstance(node, (ast.expr, ast.stmt))
        functions += isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ListComp,
                                       ast.DictComp, ast.SetComp, ast.GeneratorExp))
    functions += sum(m.function_of(n) is None for n in ast.walk(m.tree)
                     if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return blocks(190 + 9 * nodes // 2 + 35 * functions)


def how_it_is_frozen(m, taken):
    if m.form == "source":
        m.say("frozen-source", m.tree.body[0] if m.tree.body else ast.Pass(lineno=1, col_offset=0, end_lineno=1,
                                                                            end_col_offset=0),
              "the module is frozen as source", "it is compiled on the board at each import, and its bytecode lies "
              "in RAM: package: or module: instead of freeze_as_str:",
              {"bytes": compiled_size(m), "of": "ram", "each": "import"})
    asserts = [n for n in ast.walk(m.tree) if isinstance(n, ast.Assert)]
    if m.form == "bytecode" and m.opt < 1 and asserts:
        m.say("opt", asserts[0], f"{len(asserts)} assertion{'s are' if len(asserts) > 1 else ' is'} compiled in",
              "with opt: 1 they are left out, with opt: 3 line numbers, too",
              {"bytes": sum(assertion_size(m, n) for n in asserts), "of": "flash", "each": "image"})


RULES = [const_public, string_concat, constant_list, int_list_argument, variable_tuple, buffer_in_loop,
         runtime_compiler, import_work, import_object, how_it_is_frozen]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    modules, errors = [], []
    for given in request["modules"]:
        try:
            modules.append(Module(given))
        except (SyntaxError, ValueError, RecursionError, tokenize.TokenError) as e:
            errors.append({"path": given["path"], "message": str(e)})
    for module in modules:
        taken = names_taken(modules, module.name)
        for rule in RULES:
            rule(module, taken)
    findings = [f for m in modules for f in sorted(m.findings, key=lambda f: (f["line"], f["column"]))]
    json.dump({"findings": findings, "errors": errors}, sys.stdout)


main()

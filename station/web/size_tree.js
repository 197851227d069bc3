/** The `size` of an image (docs/size.md) as a tree of parts: {name, bytes, kind, parts}. */
const FROZEN_OBJECT = 'frozen_content.o';
const KINDS = {bytecode: 'bytecode', constants: 'constants', qstrs: 'qstrs', source: 'source', names: 'name'};

const leaf = (name, bytes, kind) => ({name, bytes, kind});

function branch(name, parts, kind) {
  const some = parts.filter(part => part.bytes > 0).sort((a, b) => b.bytes - a.bytes);
  return {name, kind, parts: some, bytes: some.reduce((sum, part) => sum + part.bytes, 0)};
}

function frozen(size) {
  const modules = size.modules.map(m => branch(m.name, Object.entries(KINDS).map(([key, name]) => leaf(name, m[key], 'frozen')), 'frozen'));
  modules.push(leaf('lists and qstr pool', size.modules_shared, 'frozen'));
  return branch('frozen modules', modules, 'frozen');
}

/* "lib/libm/math.o" -> lib, libm, math.o; "/usr/lib/libc.a(memcpy.o)" -> libc.a, memcpy.o */
function pathOf(name) {
  const member = /([^/]+\.a)\((.+)\)$/.exec(name);
  if (member)
    return [member[1], member[2]];
  const parts = name.split('/').filter(Boolean);
  return parts.length > 1 || name.startsWith('(') ? parts : ['port', name];
}

function directories(objects, memory, cModules) {
  const root = new Map();
  for (const object of objects) {
    const path = pathOf(object.name);
    const kind = cModules.has(path[0]) ? 'c' : object.name.startsWith('(') ? 'other' : 'code';
    let at = root;
    for (const part of path.slice(0, -1)) {
      if (!(at.get(part) instanceof Map))
        at.set(part, new Map());
      at = at.get(part);
    }
    at.set(path.at(-1), leaf(path.at(-1), object[memory], kind));
  }
  return root;
}

const kindOf = parts => parts.length && parts.every(part => part.kind === parts[0].kind) ? parts[0].kind : 'code';

/* A directory with one directory in it is one step: "lib/libm". */
function toParts(map) {
  return [...map].map(([name, value]) => {
    if (!(value instanceof Map))
      return value;
    const parts = toParts(value);
    if (parts.length === 1 && parts[0].parts)
      return {...parts[0], name: `${name}/${parts[0].name}`};
    return branch(name, parts, kindOf(parts));
  });
}

/** memory: 'flash' or 'ram' */
export function sizeTree(size, memory) {
  const cModules = new Set(size.c_modules.map(module => module.name));
  const objects = size.objects.filter(object => memory === 'ram' || object.name !== FROZEN_OBJECT);
  const parts = toParts(directories(objects, memory, cModules));
  if (memory === 'flash')
    parts.push(frozen(size));
  else
    parts.push(leaf('heap', size.ram.heap, 'other'), leaf('stack', size.ram.stack, 'other'));
  return branch(memory === 'flash' ? 'Flash' : 'RAM', parts, 'code');
}

/** Boxes for parts in a rectangle, as square as they get (Bruls, Huizing, van Wijk: Squarified Treemaps, 2000). */
export function squarify(parts, x, y, w, h) {
  const scale = w * h / parts.reduce((sum, part) => sum + part.bytes, 0), boxes = [];
  const worst = (row, side) => {
    const areas = row.map(part => part.bytes * scale), sum = areas.reduce((a, b) => a + b, 0);
    return Math.max(side * side * areas[0] / (sum * sum), sum * sum / (side * side * areas.at(-1)));
  };
  for (let at = 0, end; at < parts.length; at = end) {
    const side = Math.min(w, h);
    for (end = at + 1; end < parts.length && worst(parts.slice(at, end + 1), side) <= worst(parts.slice(at, end), side);)
      end++;
    const row = parts.slice(at, end), depth = row.reduce((sum, part) => sum + part.bytes * scale, 0) / side;
    let along = 0;
    for (const part of row) {
      const length = part.bytes * scale / depth;
      boxes.push(w >= h ? {part, x, y: y + along, w: depth, h: length} : {part, x: x + along, y, w: length, h: depth});
      along += length;
    }
    if (w >= h) {
      x += depth;
      w -= depth;
    } else {
      y += depth;
      h -= depth;
    }
  }
  return boxes;
}

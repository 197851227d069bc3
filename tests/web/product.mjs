/** The products that the tests submit. FIRND_MANIFEST: a file with another manifest that the daemon can build from
 *  it and main.py alone; `NAME` in it becomes the product, `name: NETDUINO2` must be in it. */
import {readFileSync} from 'node:fs';

/* The smallest that can be built, flashed and booted: nothing beside the manifest. */
const SMALLEST = `firn: 1
product: NAME
version: 1.0.0
firmware: {git: https://github.com/micropython/micropython.git, ref: v1.25.0}
board: {port: qemu, name: NETDUINO2}
frozen:
  - module: main.py
`;
const manifest = process.env.FIRND_MANIFEST ? readFileSync(process.env.FIRND_MANIFEST, 'utf8') : SMALLEST;

const WRONG = 'name: NETDUINO3';
const RIGHT = 'name: NETDUINO2';

export const product = {
  mouse: 'web-mouse', keyboard: 'web-keyboard',
  good: name => manifest.replace('NAME', name),
  broken: name => manifest.replace('NAME', name).replace(RIGHT, WRONG),
  brokenLine: name => product.broken(name).split('\n').findIndex(line => line.includes(WRONG)) + 1,
};

/** What a run before this one may have left. */
export async function removeProducts(base, token) {
  for (const name of [product.mouse, product.keyboard])
    await fetch(`${base}/v1/products/${name}`, {method: 'DELETE', headers: {Authorization: `Bearer ${token}`, 'Content-Type': 'application/json'}});
}

/** What a view has begun and has to end when it is left: subscriptions, timers, listeners. */
import {use} from './store.js';

export function newScope() {
  const ends = [];
  const add = end => (ends.push(end), end);
  return {
    add,
    use: (path, listener) => add(use(path, listener)),
    every: (ms, tick) => {
      const timer = setInterval(tick, ms);
      add(() => clearInterval(timer));
    },
    listen: (target, name, listener, options) => {
      target.addEventListener(name, listener, options);
      add(() => target.removeEventListener(name, listener, options));
    },
    resize: (node, listener) => {
      const observer = new ResizeObserver(listener);
      observer.observe(node);
      add(() => observer.disconnect());
    },
    end: () => ends.splice(0).forEach(end => end()),
  };
}

/** Numbers, sizes and times for people. */
import {now} from './api.js';
import {el, text} from './dom.js';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const grouped = new Intl.NumberFormat('en', {useGrouping: true});
const inFull = new Intl.DateTimeFormat(undefined, {dateStyle: 'full', timeStyle: 'long'});

export const NONE = '–';

/** 188080 -> "183.7 KiB" */
export function bytes(count) {
  if (count === null || count === undefined)
    return NONE;
  let unit = 0, value = count;
  while (Math.abs(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit ? value.toFixed(1) : value} ${UNITS[unit]}`;
}

/** 188080 -> "188,080" */
export const number = value => value === null || value === undefined ? NONE : grouped.format(value);

export const percent = (part, whole) => whole > 0 ? `${(100 * part / whole).toFixed(1)} %` : NONE;

/** 83.2 -> "1 min 23 s" */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds))
    return NONE;
  if (seconds < 9.95)
    return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60)
    return `${whole} s`;
  if (whole < 3600)
    return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole % 3600 / 60)).padStart(2, '0')} min`;
}

export const ms = time => time ? Date.parse(time) : null;
const two = n => String(n).padStart(2, '0');
const dayOf = t => `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
const clockOf = t => `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;

/** "2026-11-28", local */
export const date = time => time ? dayOf(new Date(ms(time))) : NONE;

/** "2026-11-28 22:58:53", local; "22:58:53" today */
function stamp(time) {
  const t = new Date(ms(time)), day = dayOf(t);
  return day === dayOf(new Date(now())) ? clockOf(t) : `${day} ${clockOf(t)}`;
}

const timeNode = (time, words, className) => el('time', {datetime: time, title: inFull.format(ms(time)), class: className}, words);
/** An element that shows it, and tells all of it when it is pointed at. */
export const moment = time => time ? timeNode(time, stamp(time), 'moment') : NONE;
export const dateNode = time => time ? timeNode(time, date(time), 'moment-day') : NONE;
/** The same for "3 min ago". */
export const since = time => time ? timeNode(time, ago(time)) : NONE;

/** Today becomes yesterday while the page is open. */
export function keepMoments() {
  setInterval(() => document.querySelectorAll('time.moment').forEach(node => text(node, stamp(node.dateTime))), 60000);
}

/** "3 min ago" */
export function ago(time) {
  if (!time)
    return NONE;
  const seconds = Math.max(0, (now() - ms(time)) / 1000);
  if (seconds < 45)
    return 'just now';
  if (seconds < 3600)
    return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86400)
    return `${Math.round(seconds / 3600)} h ago`;
  const days = Math.round(seconds / 86400);
  return days < 60 ? `${days} d ago` : date(time);
}

/** Seconds from one time to another, or to now. */
export function between(from, to) {
  return from ? ((to ? ms(to) : now()) - ms(from)) / 1000 : null;
}

export const count = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

/** Terminal escapes and what else is no text, taken away. */
export const plain = line =>
  line.replace(/\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])/g, '').replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '');

// Refuses mail with a null sender from hosts that bl.example.org lists for backscatter. Haraka's own `backscatterer` plugin has another
// zone's name built in and takes any A record for a listing. Save as plugins/blowback.js, and add `blowback` to config/plugins.
'use strict';

const dns = require('dns').promises;
const net = require('net');

const ZONE = 'bl.example.org';
const CODES = new Set(['127.0.0.2', '127.0.0.3', '127.0.0.5', '127.0.0.6', '127.0.0.7', '127.0.0.9']);

/** The name to ask for: octets or nibbles backwards (RFC 5782). */
function name_of(ip) {
  if (net.isIPv4(ip)) return `${ip.split('.').reverse().join('.')}.${ZONE}`;
  const [head, tail = ''] = ip.split('::');
  const groups = (part) => (part ? part.split(':') : []);
  const known = [groups(head), groups(tail)];
  const missing = 8 - known[0].length - known[1].length;
  const all = [...known[0], ...Array(ip.includes('::') ? missing : 0).fill('0'), ...known[1]];
  return `${all.map((group) => group.padStart(4, '0')).join('').split('').reverse().join('.')}.${ZONE}`;
}

exports.name_of = name_of;

exports.hook_data = async function (next, connection) {
  if (!connection.transaction.mail_from.isNull()) return next();
  const name = name_of(connection.remote.ip);
  try {
    const codes = await dns.resolve4(name);
    if (!codes.some((code) => CODES.has(code))) return next();
    const texts = await dns.resolveTxt(name).catch(() => []);
    return next(DENY, texts.length ? texts[0].join('') : `Backscatter from ${connection.remote.ip}`);
  } catch {
    return next(); // not listed, or DNS failed: mail flows
  }
};

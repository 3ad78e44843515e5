'use strict'
// Blowback in Haraka, safe mode: only mail with a null sender is looked up, at the DATA command, so that callouts pass. The core
// plugins don't do that: dns-list queries for every sender, and backscatterer works with one list only. While the list can't be
// queried, mail is accepted.

const dns = require('node:dns').promises
const net = require('node:net')
const { URL } = require('node:url')

exports.register = function () {
  const load = () => {
    const { main } = this.config.get('blowback.ini', load)
    this.zone = main.zone
    this.codes = String(main.codes).split(/[\s,]+/)
    this.timeout = 1000 * Number(main.timeout || 5)
  }
  load()
}

exports.hook_data = async function (next, connection) {
  if (!connection?.transaction?.mail_from?.isNull() || connection.relaying || !net.isIP(connection.remote.ip)) return next()
  let name = this.zone
  const resolver = new dns.Resolver({ timeout: this.timeout / 2, tries: 1 })
  const deadline = setTimeout(() => resolver.cancel(), this.timeout)
  try {
    name = `${reversed(connection.remote.ip)}.${this.zone}`
    const codes = await resolver.resolve4(name)
    if (!codes.some((code) => this.codes.includes(code))) return next()
    const [txt] = await resolver.resolveTxt(name).catch(() => [['Listed for backscatter']])
    connection.loginfo(this, `refuses a null sender of ${connection.remote.ip}: ${codes}`)
    return next(DENY, txt.join(''))
  } catch (error) {
    if (error.code !== 'ENOTFOUND') connection.logwarn(this, `${name}: ${error.code}, let through`)
    return next()
  } finally {
    clearTimeout(deadline)
  }
}

// The octets, or the nibbles, in reverse order (RFC 5782).
function reversed(address) {
  const ip = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (net.isIPv4(ip)) return ip.split('.').reverse().join('.')
  // A URL's host has the shortest form of the address, without dots and zones.
  const [head, tail] = new URL(`http://[${ip.split('%')[0]}]`).hostname.slice(1, -1).split('::').map((half) => half.split(':').filter(Boolean))
  const groups = tail ? [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail] : head
  return groups.map((group) => group.padStart(4, '0')).join('').split('').reverse().join('.')
}

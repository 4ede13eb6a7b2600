// Any socket of Node's zeromq: peer.js KIND URL, where KIND is PUSH, PUB, XPUB, SUB, XSUB, REQ, DEALER or ROUTER.
//
// Each line of standard input is JSON, and done in its order: ["send", FRAME, ...], ["subscribe", PREFIX] or
// ["cancel", PREFIX]. Each message that comes is printed as a JSON list of its frames.
"use strict"

const readline = require("readline")
const zmq = require("zeromq")

const KINDS = {
  PUSH: zmq.Push,
  PUB: zmq.Publisher,
  XPUB: zmq.XPublisher,
  SUB: zmq.Subscriber,
  XSUB: zmq.XSubscriber,
  REQ: zmq.Request,
  DEALER: zmq.Dealer,
  ROUTER: zmq.Router,
}
// A ROUTER that connects names its peer by itself, and each message begins with that name.
const BROKER = "broker"

const [kind, url] = process.argv.slice(2)
const socket = new KINDS[kind]({ linger: 0 })
if (kind === "ROUTER") socket.connect(url, { routingId: BROKER })
else socket.connect(url)

function show(frames) {
  console.log(JSON.stringify(frames.slice(kind === "ROUTER" ? 1 : 0).map(String)))
}

async function send(frames) {
  await socket.send(kind === "ROUTER" ? [BROKER, ...frames] : frames)
  // A REQ is either asking or being answered.
  if (kind === "REQ") show(await socket.receive())
}

async function receive() {
  for await (const frames of socket) show(frames)
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [what, ...texts] = JSON.parse(line)
    if (what === "send") await send(texts)
    else if (what === "subscribe") socket.subscribe(...texts)
    else socket.unsubscribe(...texts)
  }
  process.exit(0)
}

function fail(error) {
  console.error(error)
  process.exit(1)
}

if (!["PUSH", "PUB", "REQ"].includes(kind)) receive().catch(fail)
main().catch(fail)

"""Any socket of pyzmq: peer.py KIND URL, where KIND is PUSH, PUB, XPUB, SUB, XSUB, REQ, DEALER or ROUTER.

Each line of standard input is JSON, and done in its order: ["send", FRAME, ...], ["subscribe", PREFIX] or
["cancel", PREFIX]. Each message that comes is printed as a JSON list of its frames.
"""
import json
import os
import sys

import zmq

kind, url = sys.argv[1:]
socket = zmq.Context().socket(getattr(zmq, kind))
socket.linger = socket.sndhwm = socket.rcvhwm = 0
# A ROUTER that connects names its peer by itself, and each message begins with that name.
name = []
if kind == "ROUTER":
    name = [b"broker"]
    socket.connect_routing_id = name[0]
socket.connect(url)


def do(what, *texts):
    if what == "send":
        socket.send_multipart(name + [text.encode() for text in texts])
    elif what == "subscribe":
        socket.subscribe(*texts)
    else:
        socket.unsubscribe(*texts)


poller = zmq.Poller()
poller.register(sys.stdin, zmq.POLLIN)
if kind not in ("PUSH", "PUB"):
    poller.register(socket, zmq.POLLIN)
rest = b""
while True:
    ready = dict(poller.poll())
    if socket in ready:
        frames = socket.recv_multipart()[len(name):]
        print(json.dumps([frame.decode() for frame in frames]), flush=True)
    if sys.stdin.fileno() in ready:
        # Not by lines: what a buffer holds back is not seen by the poller.
        more = os.read(sys.stdin.fileno(), 1 << 16)
        if not more:
            break
        *lines, rest = (rest + more).split(b"\n")
        for line in lines:
            do(*json.loads(line))

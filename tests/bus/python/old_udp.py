"""What thingsbus 0.2.1's example udp_msgpack_thingupdate.py does: old_udp.py PORT

Each line of standard input is the JSON of one datagram, a map or a list.
"""
import json
import socket
import sys

import msgpack

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for line in sys.stdin:
    sock.sendto(msgpack.packb(json.loads(line)), ("127.0.0.1", int(sys.argv[1])))

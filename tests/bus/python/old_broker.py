"""thingsbus 0.2.1's own broker: old_broker.py CLIENTS_URL INPUT_URL UDP_PORT SNAPSHOT_EVERY_S

Its ports are arguments or globals of its module; nothing else is changed. Prints "running" when it has them.
"""
import sys

import thingsbus.broker as broker

clients_url, input_url, udp_port, snapshot_every_s = sys.argv[1:]
broker.INPUT_PORT = int(udp_port)
broker.DIRECTORY_INTERVAL = int(snapshot_every_s)

bind = broker.zmqsub.BindPub


def bind_and_tell(url):
    # The last of its sockets.
    socket = bind(url)
    print("running")
    return socket


broker.zmqsub.BindPub = bind_and_tell
broker.Broker(adaptor_url=input_url, directory_url=clients_url).run()

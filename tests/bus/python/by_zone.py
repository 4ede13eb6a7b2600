"""thingsbus 0.2.1 by zone: by_zone.py DNS_PORT ZONE

Prints each event of its client as it prints itself. Each line of standard input is JSON that its adaptor sends, as "by.zone".
"""
import json
import sys
import threading

import dns.name
import dns.resolver

from thingsbus import adaptor, client, service_discovery


class Resolver(dns.resolver.Resolver):
    """Asks the test's server, for the broker's host as well.

    0.2.1 gives the host to libzmq, which asks the system; and that cannot be told to ask the test's server.
    """

    def query(self, *question):
        answer = super().query(*question)
        for rr in list(answer.rrset):
            address = self.resolve(rr.target, "A")[0].to_text()
            answer.rrset.remove(rr)
            answer.rrset.add(rr.replace(target=dns.name.from_text(address, origin=None)))
        return answer


resolver = Resolver(configure=False)
resolver.nameservers = ["127.0.0.1"]
resolver.port = int(sys.argv[1])
service_discovery.ServiceFinder.RESOLVER = resolver


class Client(client.Client):
    def start(self):
        """Later: after the subscription, so that no event is missed in between."""


bus = Client(zone=sys.argv[2])
bus.directory.root.subscribe(lambda event: print(repr(event), flush=True), client.F_TREE)
threading.Thread.start(bus)

adapt = adaptor.Adaptor("by.zone", "http://doc", zone=sys.argv[2])
for line in sys.stdin:
    adapt.send(json.loads(line))

//! A name server with one zone, whose records may change while it runs.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::rdata::{A, SOA, SRV};
use hickory_resolver::proto::rr::{LowerName, Name, RData, Record, RecordType, RrKey};
use hickory_server::Server;
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::{Builder, Handle};

use super::ZONE;

type Zone = InMemoryZoneHandler<TokioRuntimeProvider>;

const TTL_S: u32 = 300;

/// Answers at 127.0.0.1, by UDP and TCP, until the test's end.
pub struct NameServer {
    address: SocketAddr,
    zone: Arc<Zone>,
    runtime: Handle,
}

impl NameServer {
    /// With these SRV records, each `PRIORITY WEIGHT PORT TARGET`.
    pub fn with(records: &[&str]) -> Self {
        let zone = Arc::new(empty_zone(ZONE));
        let hosts = zone_with(
            empty_zone("localhost"),
            &Record::from_rdata(name("localhost"), TTL_S, RData::A(A::new(127, 0, 0, 1))),
        );
        let mut catalog = Catalog::new();
        catalog.upsert(LowerName::new(&name(ZONE)), vec![zone.clone()]);
        catalog.upsert(LowerName::new(&name("localhost")), vec![Arc::new(hosts)]);
        let (started, is_started) = channel();
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let (udp, tcp) = bind_both().await;
                let address = udp.local_addr().expect("an address");
                let mut server = Server::new(catalog);
                server.register_socket(udp);
                server.register_listener(tcp, Duration::from_secs(5), 16);
                started.send((address, Handle::current())).expect("the test waits for it");
                server.block_until_done().await.expect("it goes on");
            });
        });
        let (address, runtime) = is_started.recv().expect("a name server");
        let server = Self { address, zone, runtime };
        server.set(records);
        server
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has these SRV records from now on.
    pub fn set(&self, records: &[&str]) {
        let owner = name(&format!("_thingsbus._tcp.{ZONE}"));
        let records: Vec<Record> = records.iter().map(|text| srv(&owner, text)).collect();
        let (zone, (done, is_done)) = (self.zone.clone(), channel());
        self.runtime.spawn(async move {
            zone.records_mut().await.remove(&RrKey::new(LowerName::new(&owner), RecordType::SRV));
            for record in records {
                assert!(zone.upsert(record, 1).await);
            }
            done.send(()).expect("the test waits for it");
        });
        is_done.recv().expect("the records are set");
    }
}

fn srv(owner: &Name, text: &str) -> Record {
    let fields: Vec<&str> = text.split(' ').collect();
    let [priority, weight, port, target] = fields[..] else { panic!("{text}") };
    let number = |field: &str| field.parse().expect("a number");
    let data = SRV::new(number(priority), number(weight), number(port), name(target));
    Record::from_rdata(owner.clone(), TTL_S, RData::SRV(data))
}

/// A zone with nothing in it but what each must have.
fn empty_zone(origin: &str) -> Zone {
    let origin = name(origin);
    let soa = RData::SOA(SOA::new(origin.clone(), origin.clone(), 1, 3600, 600, 86_400, 60));
    let empty = Zone::empty(origin.clone(), ZoneType::Primary, AxfrPolicy::Deny);
    zone_with(empty, &Record::from_rdata(origin, TTL_S, soa))
}

fn zone_with(mut zone: Zone, record: &Record) -> Zone {
    assert!(zone.upsert_mut(record.clone(), 1));
    zone
}

fn name(text: &str) -> Name {
    Name::from_str(&format!("{}.", text.trim_end_matches('.'))).expect("a name")
}

/// UDP and TCP on one port; another process may have the TCP one.
async fn bind_both() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("an address")).await {
            return (udp, tcp);
        }
    }
}

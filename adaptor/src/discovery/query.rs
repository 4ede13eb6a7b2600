//! Ask DNS for SRV records, and wait no longer than is sensible.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use hickory_resolver::config::{NameServerConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer, RetryDnsHandle};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{DnsRequestOptions, Query};
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};

use super::DiscoveryError;
use super::alias::{Step, Trail};
use super::choose::Answer;

/// How long one attempt waits for an answer. A name server that is alive answers from its cache in
/// milliseconds, and from the other side of the world within a second.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long all of it takes at most: two attempts, and half a second for what comes around them.
pub const LOOKUP_TIMEOUT: Duration = Duration::from_millis(4500);

/// Attempts after the first. The resolver's own default of two, five seconds each, makes a dead server cost
/// 15 s.
const ATTEMPTS_MORE: usize = 1;
/// How many name servers are asked at the same time: as many as resolv.conf can name. With the resolver's
/// default of two, a third would never be asked, as two dead ones use up the whole attempt.
const SERVERS_AT_ONCE: usize = 3;

type Cause = Box<dyn Error + Send + Sync>;

/// The SRV records of `name`, from `server` or from this machine's name servers. Blocks for
/// [`LOOKUP_TIMEOUT`] at most.
pub(super) fn ask(name: &str, server: Option<SocketAddr>) -> Result<Answer, DiscoveryError> {
    let servers = match server {
        Some(server) => vec![only(server)],
        None => system()
            .map_err(|error| DiscoveryError::NoServer { name: name.to_owned(), source: error.into() })?,
    };
    let asked = list(&servers);
    let started = Instant::now();
    let failed = |source| DiscoveryError::Dns { name: name.to_owned(), servers: asked.clone(), source };
    match on_own_thread(|| exchange(name, servers)).map_err(failed)? {
        Ok(answer) => Ok(answer),
        Err(NetError::Timeout) => Err(DiscoveryError::NoAnswer {
            name: name.to_owned(),
            servers: asked,
            timeout: started.elapsed(),
        }),
        Err(NetError::Dns(DnsError::NoRecordsFound(_))) => {
            Err(DiscoveryError::NoRecord { name: name.to_owned() })
        }
        Err(error) => Err(failed(error.into())),
    }
}

/// Runs `work` where no async runtime is around it (tokio refuses to start one inside another), and turns a
/// panic of the resolver into an error: what comes from the network must not end the program.
fn on_own_thread<T: Send>(work: impl FnOnce() -> Result<T, Cause> + Send) -> Result<T, Cause> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("thingsbus-dns".to_owned()).spawn_scoped(scope, work)?;
        thread.join().unwrap_or_else(|_panic| Err("the DNS resolver panicked".into()))
    })
}

/// One question, over a runtime that lives as long as it does. The outer error is the runtime's.
fn exchange(name: &str, servers: Vec<NameServerConfig>) -> Result<Result<Answer, NetError>, Cause> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(async {
        tokio::time::timeout(LOOKUP_TIMEOUT, srv(name, servers)).await.unwrap_or(Err(NetError::Timeout))
    }))
}

/// Asks, and asks again where an alias leads out of the answer.
async fn srv(name: &str, servers: Vec<NameServerConfig>) -> Result<Answer, NetError> {
    let servers = pool(servers)?;
    let mut trail = Trail::new(Name::from_ascii(name)?);
    loop {
        let question = Query::query(trail.name().clone(), RecordType::SRV);
        let response = servers.lookup(question, DnsRequestOptions::default()).first_answer().await?;
        if let Step::Arrived(answer) = trail.follow(&response.answers) {
            return Ok(answer);
        }
    }
}

/// The name servers with the limits above.
fn pool(
    servers: Vec<NameServerConfig>,
) -> Result<RetryDnsHandle<NameServerPool<TokioRuntimeProvider>>, NetError> {
    let mut options = ResolverOpts::default();
    options.timeout = ATTEMPT_TIMEOUT;
    options.num_concurrent_reqs = SERVERS_AT_ONCE;
    let context = Arc::new(PoolContext::new(options, TlsConfig::new()?));
    let pool = NameServerPool::from_config(servers, context, TokioRuntimeProvider::default());
    Ok(RetryDnsHandle::new(pool, ATTEMPTS_MORE))
}

/// The name servers of this machine: resolv.conf, or what the system has in its place.
fn system() -> Result<Vec<NameServerConfig>, NetError> {
    Ok(hickory_resolver::system_conf::read_system_conf()?.0.name_servers)
}

fn only(server: SocketAddr) -> NameServerConfig {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut config.connections {
        connection.port = server.port();
    }
    config
}

/// `192.0.2.53:53, 192.0.2.54:53`, for people to read.
fn list(servers: &[NameServerConfig]) -> String {
    let port = |server: &NameServerConfig| server.connections.first().map_or(0, |connection| connection.port);
    servers
        .iter()
        .map(|server| SocketAddr::new(server.ip, port(server)).to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

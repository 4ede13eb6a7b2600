//! libzmq's XSUB/XPUB forwarder and nothing else: what a broker of libzmq can reach at best.

use anyhow::Result;

use crate::clients::libzmq::HIGH_WATER_MARK;

/// Forwards until it is killed.
pub fn run(publish_port: u16, subscribe_port: u16) -> Result<()> {
    let context = zmq::Context::new();
    let bound = |kind, port| -> Result<_> {
        let socket = context.socket(kind)?;
        socket.set_sndhwm(HIGH_WATER_MARK)?;
        socket.set_rcvhwm(HIGH_WATER_MARK)?;
        socket.bind(&format!("tcp://127.0.0.1:{port}"))?;
        Ok(socket)
    };
    zmq::proxy(&bound(zmq::XSUB, publish_port)?, &bound(zmq::XPUB, subscribe_port)?)?;
    Ok(())
}

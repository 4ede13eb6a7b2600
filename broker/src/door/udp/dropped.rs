//! How many datagrams the system has dropped: Linux counts them for each socket, and tells in `/proc/net`.

use std::os::fd::AsRawFd;

/// How many datagrams for this socket were dropped before it took them; `None` where the system does not tell.
#[cfg(target_os = "linux")]
pub(super) fn dropped(socket: &impl AsRawFd) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;

    let inode = std::fs::metadata(format!("/proc/self/fd/{}", socket.as_raw_fd())).ok()?.ino();
    ["/proc/self/net/udp6", "/proc/self/net/udp"]
        .into_iter()
        .find_map(|table| of_inode(&std::fs::read_to_string(table).ok()?, inode))
}

/// Elsewhere nobody tells.
#[cfg(not(target_os = "linux"))]
pub(super) fn dropped(_socket: &impl AsRawFd) -> Option<u64> {
    None
}

/// The last column of the socket's line (proc_pid_net(5)); its inode is the tenth.
#[cfg(target_os = "linux")]
fn of_inode(table: &str, inode: u64) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let is_it = line.split_ascii_whitespace().nth(9)?.parse() == Ok(inode);
        is_it.then(|| line.split_ascii_whitespace().next_back()?.parse().ok())?
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn what_the_system_drops_is_counted() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(socket) = UdpSocket::bind(address) else { continue };
            assert_eq!(dropped(&socket), Some(0));
            socket2::SockRef::from(&socket).set_recv_buffer_size(4_096).unwrap();
            let sender = UdpSocket::bind(address).unwrap();
            let sent = 1_000;
            for _ in 0..sent {
                sender.send_to(&[0; 100], socket.local_addr().unwrap()).unwrap();
            }
            socket.set_nonblocking(true).unwrap();
            let mut received = 0;
            while socket.recv(&mut [0; 100]).is_ok() {
                received += 1;
            }
            assert!(received > 0 && received < sent);
            assert_eq!(dropped(&socket), Some(sent - received));
        }
    }

    #[test]
    fn a_line_that_is_not_as_expected_is_passed_over() {
        let table = "  sl  local_address\n  x\n\n 1: 0100007F:1F12 00000000:0000 07 00000000:00000000 00:00000000 \
                     00000000     0        0 4711 2 0000000000000000 12\n";
        assert_eq!(of_inode(table, 4711), Some(12));
        assert_eq!(of_inode(table, 4712), None);
    }
}

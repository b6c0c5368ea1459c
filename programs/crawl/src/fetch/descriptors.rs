//! When this machine, or this process, has no descriptor left for another socket: that says nothing
//! of the host that was to be asked.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};

/// ENFILE and EMFILE, which are the same on all Unixes, and WSAEMFILE of Windows.
const EXHAUSTED: [i32; 3] = [23, 24, 10_024];

/// Whether an error says so.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| EXHAUSTED.contains(&code))
}

/// Whether it is so now. A lookup of a name gets another answer then, or that it has no
/// address.
pub(super) fn are_exhausted() -> bool {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).is_err_and(|error| is_exhausted(&error))
}

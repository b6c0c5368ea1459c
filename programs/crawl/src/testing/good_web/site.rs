//! What the connections of a good web know.

use super::counts::Counts;
use super::paths::number;
use super::plan::{Naming, Plan};

/// What connections know.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) plan: Plan,
    pub(super) ports: Vec<u16>,
    pub(super) counts: Counts,
}

impl Site {
    pub(super) fn port(&self, host: u64) -> u16 {
        match self.plan.naming {
            Naming::Ports => self.ports[host as usize],
            Naming::Names(_) => self.ports[0],
        }
    }

    pub(super) fn write_origin(&self, host: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(b"http://");
        match &self.plan.naming {
            Naming::Ports => out.extend_from_slice(b"127.0.0.1"),
            Naming::Names(domain) => {
                out.push(b'h');
                number(host, out);
                out.push(b'.');
                out.extend_from_slice(domain.as_bytes());
            }
        }
        out.push(b':');
        number(self.port(host).into(), out);
    }
}

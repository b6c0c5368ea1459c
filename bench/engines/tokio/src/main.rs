//! tokio: three bounded channels between four tasks on a runtime with a thread a core, and tasks
//! that sleep.
#![forbid(unsafe_code)]

mod sleeps;

use protocol::{Measured, median};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{Receiver, Sender, channel};

const CAPACITY: usize = 1024;

async fn forward(mut from: Receiver<u64>, to: Sender<u64>) {
    while let Some(n) = from.recv().await {
        if to.send(n).await.is_err() {
            return;
        }
    }
}

async fn send(n: u64, to: Sender<u64>) {
    for n in 1..=n {
        if to.send(n).await.is_err() {
            return;
        }
    }
}

fn hops(n: u64) -> Measured {
    let runtime = Runtime::new().expect("a runtime");
    median(n, |n| {
        let (first, a) = channel(CAPACITY);
        let (to_b, b) = channel(CAPACITY);
        let (to_last, mut last) = channel(CAPACITY);
        runtime.spawn(send(n, first));
        runtime.spawn(forward(a, to_b));
        runtime.spawn(forward(b, to_last));
        let sum = runtime.spawn(async move {
            let mut sum = 0u64;
            while let Some(n) = last.recv().await {
                sum = sum.wrapping_add(n);
            }
            sum
        });
        runtime.block_on(sum).expect("the task ends well")
    })
}

fn main() -> std::process::ExitCode {
    protocol::main(&[
        ("hops", hops),
        ("sleeps-buffered", sleeps::buffered),
        ("sleeps-joined", sleeps::joined),
    ])
}

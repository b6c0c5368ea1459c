//! Who does what the schedule says: workers ask it themselves when they have finished something;
//! for those that found nothing to do, the dispatcher waits until there is.

use millstream::channel::{Receiver, RecvTimeoutError, Sender};

use super::event::Event;
use super::shared::{Job, Shared};
use super::{fetch_robots, visit};
use crate::polite::Step;

/// Waits for what is due and hands it to a worker that waits, until nothing more is to be started.
pub(super) async fn dispatch(shared: &Shared, notified: &Receiver<()>, steps: &Sender<Job>) {
    loop {
        // The place first: a ticket that waited for a worker would hold its host up.
        let Ok(permit) = steps.reserve_async(&shared.accepting).await else { return };
        let Some(job) = due(shared, notified).await else { return };
        if permit.send(job).is_err() {
            return;
        }
    }
}

async fn due(shared: &Shared, notified: &Receiver<()>) -> Option<Job> {
    loop {
        if shared.accepting.is_cancelled() {
            return None;
        }
        match shared.next() {
            Step::Until(at) => {
                let wait = at.saturating_duration_since(shared.ctx.clock().now());
                match notified.recv_timeout_async(&shared.accepting, wait).await {
                    Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                    Err(_) => return None,
                }
            }
            Step::Wait | Step::Empty => {
                if notified.recv_async(&shared.accepting).await.is_err() {
                    return None;
                }
            }
            job => return Some(job),
        }
    }
}

/// Works until nothing more is to be started.
pub(super) async fn work(shared: &Shared, jobs: &Receiver<Job>, reported: &Sender<Event>) {
    loop {
        let job = match at_once(shared, jobs) {
            Some(job) => job,
            None => match jobs.recv_async(&shared.accepting).await {
                Ok(job) => job,
                // What was handed finished when the run was stopped has started nothing.
                Err(_) => return,
            },
        };
        match job {
            Step::FetchRobots(host, ticket) => {
                fetch_robots::fetch_robots(shared, host, ticket, reported).await
            }
            Step::Visit(visit, access, ticket) => {
                visit::visit(shared, visit, access, ticket, reported).await
            }
            Step::Down(visit) => visit::give_up(shared, visit, reported).await,
            Step::Until(_) | Step::Wait | Step::Empty => {}
        }
    }
}

/// What is there for this worker without waiting.
fn at_once(shared: &Shared, jobs: &Receiver<Job>) -> Option<Job> {
    if let Ok(job) = jobs.try_recv() {
        return Some(job);
    }
    if shared.accepting.is_cancelled() {
        return None;
    }
    match shared.next() {
        Step::Until(_) | Step::Wait | Step::Empty => None,
        job => Some(job),
    }
}

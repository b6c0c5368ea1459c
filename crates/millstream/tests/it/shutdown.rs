//! Shutdown: its steps on a manual clock, and the same with real signals in a child process.

use std::time::Duration;

use millstream::{Cause, CauseKind, Phase, Shutdown, scope};

#[test]
fn the_steps_follow_each_other() {
    let shutdown = Shutdown::manual().grace(Duration::from_secs(30));
    let (ctx, draining) = (shutdown.context(), shutdown.draining());
    assert_eq!((shutdown.phase(), shutdown.exit_code()), (Phase::Running, None));

    assert_eq!(shutdown.signal(15), Phase::Draining);
    assert_eq!(draining.cause(), Some(Cause::signal(15)));
    assert!(!ctx.is_cancelled());

    ctx.clock().advance(Duration::from_secs(29));
    assert!(!ctx.is_cancelled());
    ctx.clock().advance(Duration::from_secs(1));
    let cause = ctx.cause().unwrap();
    assert_eq!((shutdown.phase(), cause.kind()), (Phase::Cancelled, CauseKind::Signal(15)));
    assert_eq!(cause.to_string(), "signal 15 (SIGTERM, and the grace period of 30s has expired)");
    assert!(!cause.is_inherited());

    assert_eq!(shutdown.signal(2), Phase::Leaving(130));
    assert_eq!(shutdown.exit_code(), Some(143), "the first signal was the reason");
}

#[test]
fn a_second_signal_leaves_also_while_it_drains() {
    let shutdown = Shutdown::manual();
    shutdown.signal(2);
    assert_eq!(shutdown.signal(2), Phase::Leaving(130));
}

#[test]
fn what_runs_below_finds_the_drain() {
    let shutdown = Shutdown::manual();
    let ctx = shutdown.context().child().with_value("deep");
    shutdown.signal(2);
    assert!(Shutdown::draining_of(&ctx).unwrap().is_cancelled());
}

#[test]
fn a_context_outlives_its_shutdown() {
    let ctx = Shutdown::on_signals().context();
    let draining = Shutdown::draining_of(&ctx).unwrap();
    assert!(!ctx.is_cancelled() && !draining.is_cancelled());
}

// tokio#7499: what cannot be stopped is at least reported by name.
#[test]
fn what_did_not_stop_is_reported_by_name() {
    let shutdown = Shutdown::manual().grace(Duration::ZERO);
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let ended = scope::<(), (), _>(&shutdown.context(), |s| {
        s.spawn("stops", |ctx| {
            ctx.wait();
            Ok(())
        });
        s.spawn("does not", move |_| {
            let _ended = receiver.recv();
            Ok(())
        });
        shutdown.signal(2);
        while shutdown.running().len() > 1 {
            std::thread::yield_now();
        }
        assert_eq!(shutdown.running()[0].name(), "does not");
        drop(sender);
        Ok(())
    });
    assert_eq!(ended.unwrap_err().cause().unwrap().kind(), CauseKind::Signal(2));
    assert!(shutdown.running().is_empty());
}

#[cfg(unix)]
mod real {
    #![expect(
        clippy::print_stdout,
        clippy::exit,
        reason = "a child process speaks to its parent by these"
    )]

    use std::io::{BufRead, BufReader, Read};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
    use std::time::Duration;

    use millstream::{Shutdown, scope};

    use crate::support;

    /// A child that plays a part, spoken to by signals and heard by the lines it prints.
    struct Play {
        child: Child,
        lines: BufReader<ChildStdout>,
    }

    impl Play {
        fn start(role: &str) -> Self {
            let mut command = support::run_as(role, "shutdown::real::the_part_of_the_child", "");
            let mut child = command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap());
            let mut play = Self { child, lines };
            play.wait_for("ready");
            play
        }

        /// Reads on to the line that contains this.
        fn wait_for(&mut self, text: &str) {
            let mut read = String::new();
            while self.lines.read_line(&mut read).unwrap() > 0 {
                if read.lines().last().is_some_and(|line| line.contains(text)) {
                    return;
                }
            }
            panic!("the child ended without {text:?}: {read}");
        }

        fn signal(&self, name: &str) {
            let kill = format!("kill -{name} {}", self.child.id());
            assert!(Command::new("sh").arg("-c").arg(kill).status().unwrap().success());
        }

        fn end(mut self) -> (ExitStatus, String) {
            let mut rest = String::new();
            self.lines.read_to_string(&mut rest).unwrap();
            (self.child.wait().unwrap(), rest)
        }
    }

    /// Does nothing unless it runs as a child; then its parts are those of the tests below.
    #[test]
    fn the_part_of_the_child() {
        match support::role().as_deref() {
            Some("drains") => drains(),
            Some("is stuck") => is_stuck(),
            Some("hangs in a callback") => hangs_in_a_callback(),
            Some("stopped listening") => stopped_listening(),
            _ => {}
        }
    }

    fn drains() {
        let shutdown = Shutdown::on_signals().grace(Duration::from_millis(1));
        println!("ready");
        println!("draining: {}", shutdown.draining().wait());
        println!("cancelled: {}", shutdown.context().wait());
        std::process::exit(shutdown.exit_code().unwrap());
    }

    fn is_stuck() {
        let shutdown =
            Shutdown::on_signals().grace(Duration::from_secs(3600)).on_leave(|running| {
                running.iter().for_each(|task| println!("did not stop: {}", task.name()));
            });
        let ended = scope::<(), (), _>(&shutdown.context(), |s| {
            s.spawn("stuck", |_| {
                println!("ready");
                let mut line = String::new();
                let _never = std::io::stdin().read_line(&mut line);
                Ok(())
            });
            println!("draining: {}", shutdown.draining().wait());
            Ok(())
        });
        unreachable!("{ended:?}");
    }

    fn hangs_in_a_callback() {
        let shutdown = Shutdown::on_signals();
        let hang = |_: &millstream::Cause| {
            println!("hanging");
            let mut line = String::new();
            let _never = std::io::stdin().read_line(&mut line);
        };
        shutdown.draining().on_cancel(hang).keep();
        println!("ready");
        shutdown.context().wait();
    }

    fn stopped_listening() {
        drop(Shutdown::on_signals().context());
        // A second one must not be disturbed by what the first left behind, nor leave anything
        // itself.
        let again = Shutdown::on_signals();
        assert!(!again.context().is_cancelled());
        drop(again);
        println!("ready");
        let mut line = String::new();
        let _never = std::io::stdin().read_line(&mut line);
    }

    #[test]
    fn a_real_signal_drains_and_the_end_of_the_grace_cancels() {
        let mut play = Play::start("drains");
        play.signal("TERM");
        play.wait_for("draining: signal 15 (SIGTERM)");
        let (status, rest) = play.end();
        assert!(
            rest.contains(
                "cancelled: signal 15 (SIGTERM, and the grace period of 1ms has expired)"
            ),
            "{rest}"
        );
        assert_eq!(status.code(), Some(143));
    }

    #[test]
    fn a_second_real_signal_leaves_at_once_and_names_what_did_not_stop() {
        let mut play = Play::start("is stuck");
        play.signal("INT");
        play.wait_for("draining: signal 2 (SIGINT)");
        play.signal("INT");
        let (status, rest) = play.end();
        assert!(rest.contains("did not stop: stuck"), "{status}: {rest}");
        assert_eq!(status.code(), Some(130));
    }

    #[test]
    fn a_callback_that_hangs_does_not_hold_the_process_against_a_second_signal() {
        let mut play = Play::start("hangs in a callback");
        play.signal("TERM");
        play.wait_for("hanging");
        play.signal("TERM");
        assert_eq!(play.end().0.code(), Some(143));
    }

    #[test]
    fn signals_act_as_ever_when_nobody_listens_any_more() {
        let play = Play::start("stopped listening");
        play.signal("TERM");
        assert_eq!(play.end().0.signal(), Some(15));
    }
}

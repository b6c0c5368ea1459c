//! Each fixture is a log as a real program writes it; its first and its last record are known value
//! by value.

use millstream_logs::filter::Filter;

use crate::support::{FIXTURES, detected, fixture, messages, scan};

/// File, format, records, failed ones, and the first and the last record as JSON lines.
type Expected = (&'static str, &'static str, u64, u64, &'static str, &'static str);

#[rustfmt::skip]
const EXPECTED: &[Expected] = &[
    ("apache_error.log", "plain (apache error)", 3, 0,
        r#"{"time":"2024-01-15T10:23:45.123456Z","level":"notice","message":"AH00489: Apache/2.4.58 (Unix) configured -- resuming normal operations","fields":{"module":"mpm_event","pid":1,"tid":140},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:47Z","level":"error","message":"File does not exist: /srv/www/favicon.ico","fields":{"client":"2001:db8::7"},"file":"-","offset":278}"#),
    ("bracketed.log", "plain (time first)", 3, 0,
        r#"{"time":"2024-01-15T10:23:45Z","level":"info","message":"cache warmed {\"keys\":12}","fields":{"channel":"production"},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:47Z","level":"warn","message":"last words","fields":{},"file":"-","offset":113}"#),
    ("clf.log", "clf", 5, 1,
        r#"{"time":"2024-01-15T10:23:45Z","level":null,"message":"GET /index.html HTTP/1.1","fields":{"remote":"10.0.0.7","user":"alice","method":"GET","path":"/index.html","protocol":"HTTP/1.1","status":200,"bytes":5316},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:48Z","level":null,"message":"-","fields":{"remote":"10.0.0.9","user":"john doe","status":408,"bytes":0},"file":"-","offset":245}"#),
    ("clock.log", "plain (log4j)", 3, 0,
        r#"{"time":"2024-02-01T10:23:45.123Z","level":"info","message":"Starting up","fields":{"thread":"main","logger":"com.example.Main"},"file":"-","offset":0}"#,
        r#"{"time":"2024-02-01T10:23:47.500Z","level":"warn","message":"Stopped","fields":{"thread":"main","logger":"com.example.Main"},"file":"-","offset":181}"#),
    ("combined.log", "combined", 3, 0,
        r#"{"time":"2024-01-15T10:23:45Z","level":null,"message":"GET / HTTP/1.1","fields":{"remote":"10.0.0.7","method":"GET","path":"/","protocol":"HTTP/1.1","status":200,"bytes":5316,"referer":"https://example.com/","agent":"Mozilla/5.0 (X11; Linux x86_64)"},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:47Z","level":null,"message":"DELETE /api/items/7 HTTP/1.1","fields":{"remote":"10.0.0.9","method":"DELETE","path":"/api/items/7","protocol":"HTTP/1.1","status":500,"bytes":12},"file":"-","offset":245}"#),
    ("dpkg.log", "plain (time first)", 3, 0,
        r#"{"time":"2024-01-15T10:23:45Z","level":null,"message":"startup archives unpack","fields":{},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:46Z","level":null,"message":"status half-installed libc6:amd64 2.36-9","fields":{},"file":"-","offset":98}"#),
    ("env_logger.log", "plain (env_logger)", 3, 0,
        r#"{"time":"2024-01-15T10:23:45Z","level":"info","message":"listening on 127.0.0.1:8080","fields":{"target":"server::http"},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:47Z","level":"warn","message":"bye","fields":{"target":"server"},"file":"-","offset":153}"#),
    ("glog.log", "plain (glog)", 4, 0,
        r#"{"time":null,"level":null,"message":"Log file created at: 2024/01/15 10:23:44\nRunning on machine: host-1\nLog line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg","fields":{},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:47Z","level":"warn","message":"exiting","fields":{"thread":12345,"source":"main.cc","line":40},"file":"-","offset":313}"#),
    ("hadoop.log", "plain (log4j)", 3, 0,
        r#"{"time":"2024-01-15T10:23:45.123Z","level":"info","message":"allowed=true cmd=open","fields":{"logger":"namenode.FSNamesystem","source":"(FSNamesystem.java:logAuditMessage(8545))"},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:47.999Z","level":"info","message":"Executing with tokens:","fields":{"thread":"main","logger":"org.apache.hadoop.mapred.YarnChild"},"file":"-","offset":240}"#),
    ("json.log", "json", 5, 2,
        r#"{"time":"2024-01-15T10:23:45.123Z","level":"info","message":"started","fields":{"port":8080,"tags":["a","b"]},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:48Z","level":"warn","message":"pino é","fields":{"pid":7,"hostname":"h","quote\"d":null},"file":"-","offset":254}"#),
    ("level_first.log", "plain (level first)", 5, 0,
        r#"{"time":"2024-01-15T10:23:45.123Z","level":"info","message":"server started port=8080","fields":{},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:24:00Z","level":"fatal","message":"giving up","fields":{},"file":"-","offset":339}"#),
    ("level_only.log", "plain (level only)", 3, 0,
        r#"{"time":null,"level":"info","message":"connected to db-1","fields":{"logger":"app.db"},"file":"-","offset":0}"#,
        r#"{"time":null,"level":"warn","message":"shutting down","fields":{"logger":"root"},"file":"-","offset":157}"#),
    ("log4j.log", "plain (log4j)", 4, 0,
        r#"{"time":"2024-01-15T10:23:45.123Z","level":"info","message":"Starting up","fields":{"thread":"main","logger":"com.example.Main"},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:47Z","level":"debug","message":"Stopped","fields":{"thread":"main","logger":"com.example.Main"},"file":"-","offset":522}"#),
    ("logfmt.log", "logfmt", 4, 1,
        r#"{"time":"2024-01-15T10:23:45.123Z","level":"info","message":"server started","fields":{"port":8080,"addr":"[::1]:8080"},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:47Z","level":"warn","message":"bye","fields":{"debug":""},"file":"-","offset":200}"#),
    ("nginx_error.log", "plain (nginx error)", 3, 0,
        r#"{"time":"2024-01-15T10:23:45Z","level":"notice","message":"using the \"epoll\" event method","fields":{"pid":1,"tid":1},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:47Z","level":"fatal","message":"bind() to 0.0.0.0:80 failed (98: Address already in use)","fields":{"pid":1,"tid":1},"file":"-","offset":260}"#),
    ("postgresql.log", "plain (postgresql)", 4, 0,
        r#"{"time":"2024-01-15T10:23:45.123Z","level":"info","message":"database system is ready to accept connections","fields":{"pid":1},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T09:23:48Z","level":"info","message":"checkpoint complete","fields":{"pid":88},"file":"-","offset":366}"#),
    ("python.log", "plain (python)", 3, 0,
        r#"{"time":"2024-01-15T10:23:45.123Z","level":"info","message":"connected to db-1","fields":{"logger":"app.db"},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:46.900Z","level":"fatal","message":"shutting down","fields":{"logger":"root"},"file":"-","offset":245}"#),
    ("spring.log", "plain (spring)", 3, 0,
        r#"{"time":"2024-01-15T09:23:45.123Z","level":"info","message":"Starting ShopApplication using Java 21","fields":{"pid":4711,"app":"shop","thread":"main","logger":"c.e.shop.ShopApplication"},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T09:23:47Z","level":"warn","message":"closed","fields":{"pid":4711,"app":"shop","thread":"ionShutdownHook","logger":"c.e.shop.Cart"},"file":"-","offset":395}"#),
    ("syslog_3164.log", "syslog (rfc 3164)", 3, 0,
        r#"{"time":"2024-01-15T10:23:45Z","level":null,"message":"Accepted publickey for alice from 10.0.0.7 port 51234 ssh2","fields":{"host":"web-1","app":"sshd","pid":4242},"file":"-","offset":0}"#,
        r#"{"time":"2023-12-31T23:59:59Z","level":null,"message":"(root) CMD (true)","fields":{"host":"web-1","app":"CRON","pid":99},"file":"-","offset":179}"#),
    ("syslog_5424.log", "syslog (rfc 5424)", 3, 0,
        r#"{"time":"2024-01-15T10:23:45.123Z","level":"fatal","message":"'su root' failed for alice","fields":{"facility":"auth","host":"web-1","app":"su","pid":77,"msgid":"ID47"},"file":"-","offset":0}"#,
        r#"{"time":null,"level":"info","message":"no time","fields":{"facility":"user","app":"app"},"file":"-","offset":260}"#),
    ("syslog_iso.log", "syslog (rfc 3164)", 3, 0,
        r#"{"time":"2024-01-15T09:23:45.123456Z","level":null,"message":"Started nginx.service","fields":{"host":"web-1","app":"systemd","pid":1},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T09:23:47.654321Z","level":null,"message":"done","fields":{"host":"web-1","app":"app","pid":77},"file":"-","offset":134}"#),
    ("syslog_pri.log", "syslog (rfc 3164)", 3, 0,
        r#"{"time":"2024-01-15T10:23:45Z","level":"fatal","message":"'su root' failed for alice on /dev/pts/8","fields":{"facility":"auth","host":"web-1","app":"su","pid":7},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:47Z","level":"error","message":"last message repeated 2 times","fields":{"facility":"kern","host":"web-1"},"file":"-","offset":111}"#),
    ("tracing.log", "plain (tracing)", 3, 0,
        r#"{"time":"2024-01-15T10:23:45.123456Z","level":"info","message":"listening addr=127.0.0.1:8080","fields":{"target":"server::http"},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:46.654321Z","level":"error","message":"request{method=GET path=/x}: server::http: failed error=\"no route\"","fields":{},"file":"-","offset":147}"#),
    ("tracing_ansi.log", "plain (tracing)", 3, 0,
        r#"{"time":"2024-01-15T10:23:45.123456Z","level":"info","message":"listening addr=127.0.0.1:8080","fields":{"target":"server::http"},"file":"-","offset":0}"#,
        r#"{"time":"2024-01-15T10:23:47Z","level":"warn","message":"reconnecting","fields":{"target":"server::db"},"file":"-","offset":255}"#),
    ("unknown.txt", "unknown", 3, 0,
        r#"{"time":null,"level":null,"message":"These are the notes of nobody in particular.","fields":{},"file":"-","offset":0}"#,
        r#"{"time":null,"level":null,"message":"The end = near.","fields":{},"file":"-","offset":67}"#),
];

#[test]
fn every_fixture_has_its_format_and_its_records() {
    assert_eq!(EXPECTED.len(), FIXTURES.len());
    for (name, format, records, failed, first, last) in EXPECTED {
        let text = fixture(name);
        assert_eq!(detected(text).name(), *format, "{name}");
        let (seen, counts) = scan(text, &Filter::new());
        assert_eq!((counts.records, counts.failed), (*records, *failed), "{name}");
        let json = |record: Option<&millstream_logs::record::Record>| {
            let mut line = Vec::new();
            record.unwrap().to_json_line(&mut line, "-");
            String::from_utf8(line).unwrap().trim_end().to_owned()
        };
        assert_eq!(json(seen.records.first()), *first, "{name}");
        assert_eq!(json(seen.records.last()), *last, "{name}");
    }
}

#[test]
fn stack_traces_stay_in_the_message_of_their_record() {
    let errors = Filter::new().levels("error".parse().unwrap());
    let ends = [
        ("log4j.log", "Unhandled exception\njava.lang.NullPointerException", "\n\t... 12 more"),
        (
            "level_first.log",
            "request failed id=123 user=7\njava",
            "connection\n    at com.example.Db.open(Db.java:42)\n\n    at com.example.Main.main(Main.java:7)",
        ),
        ("python.log", "unhandled: GET /users/7 - 500\nTraceback", "\nKeyError: 7"),
        ("spring.log", "Servlet.service() threw exception\n\njava.lang", "~[classes/:na]"),
        ("glog.log", "call failed: deadline exceeded\n", "main"),
        ("env_logger.log", "lost connection\n", "broken pipe"),
        ("clock.log", "failed\njava.lang.RuntimeException", "(Job.java:3)"),
        ("level_only.log", "unhandled: GET /users/7\n", "KeyError: 7"),
        ("tracing_ansi.log", "lost connection\n  caused by", "broken pipe"),
    ];
    for (name, start, end) in ends {
        let kept = messages(fixture(name), &errors);
        assert_eq!(kept.len(), 1, "{name}");
        assert!(kept[0].starts_with(start) && kept[0].ends_with(end), "{name}: {}", kept[0]);
    }
}

#[test]
fn a_statement_of_postgresql_stays_with_the_error_that_it_caused() {
    let kept = messages(fixture("postgresql.log"), &Filter::new().levels("error".parse().unwrap()));
    assert_eq!(
        kept,
        ["relation \"cart\" does not exist at character 15\n\
          2024-01-15 10:23:46.001 UTC [87] app@shop STATEMENT:  SELECT *\n\tFROM cart\n\tWHERE id = 7"]
    );
}

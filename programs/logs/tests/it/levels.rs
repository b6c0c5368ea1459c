//! One scale of levels, whatever programs call them.

use millstream_logs::filter::Filter;
use millstream_logs::level::{Level, Levels};

use crate::support::scan;

#[test]
fn a_level_between_two_names_counts_as_the_lower_one_and_dockers_lines_have_their_message() {
    let lines =
        br#"{"time":"2024-01-15T10:23:45Z","level":"ERROR+2","msg":"between error and worse"}
{"log":"a container's line","stream":"stdout","time":"2024-01-15T10:23:46Z"}
"#;
    let (seen, _) = scan(lines, &Filter::new());
    assert_eq!(seen.records[0].level, Some(Level::Error));
    assert_eq!(String::from_utf8_lossy(seen.records[1].message()), "a container's line");
}

#[test]
fn words_and_letters_of_all_programs_are_on_one_scale() {
    let words = [
        (Level::Trace, "TRACE trc T verbose V finest"),
        (Level::Debug, "DEBUG dbg D Debug debug1 debug5 dbug"),
        (Level::Info, "INFO inf I information INFORMATIONAL Info"),
        (Level::Notice, "NOTICE notice n"),
        (Level::Warn, "WARN WARNING warn W wrn"),
        (Level::Error, "ERROR err E SEVERE fail eror"),
        (Level::Fatal, "FATAL F critical CRIT alert emerg EMERGENCY panic dpanic ftl"),
    ];
    for (level, words) in words {
        for word in words.split(' ') {
            assert_eq!(Level::from_word(word.as_bytes()), Some(level), "{word}");
        }
    }
    for word in ["", "errors", "warnin", "x", "infos", "[info]", "i ", "emergencyy"] {
        assert_eq!(Level::from_word(word.as_bytes()), None, "{word}");
    }
}

#[test]
fn numbers_are_severities_of_syslog_or_tens_of_pino() {
    let numbers = [
        (0, Level::Fatal),
        (3, Level::Error),
        (4, Level::Warn),
        (7, Level::Debug),
        (10, Level::Trace),
    ];
    for (number, level) in
        numbers.into_iter().chain([(30, Level::Info), (50, Level::Error), (60, Level::Fatal)])
    {
        assert_eq!(Level::from_number(number), Some(level), "{number}");
    }
    assert_eq!(
        (Level::from_number(8), Level::from_number(-1), Level::from_number(100)),
        (None, None, None)
    );
}

#[test]
fn a_name_asks_for_that_level_alone_and_a_plus_for_what_is_worse_too() {
    let kept = |text: &str| {
        let levels: Levels = text.parse().unwrap();
        Level::ALL.into_iter().filter(|level| levels.contains(Some(*level))).collect::<Vec<_>>()
    };
    assert_eq!(kept("error"), [Level::Error]);
    assert_eq!(kept("error+"), [Level::Error, Level::Fatal]);
    assert_eq!(kept("WARNING, debug"), [Level::Debug, Level::Warn]);
    assert_eq!(kept("trace+"), Level::ALL);
    assert_eq!(kept("fatal+,i"), [Level::Info, Level::Fatal]);
}

#[test]
fn a_record_without_a_level_is_in_no_set() {
    assert!(!"trace+".parse::<Levels>().unwrap().contains(None));
}

#[test]
fn a_level_that_is_none_is_an_error_that_names_it() {
    for (text, part) in [("loud", "loud"), ("error,,warn", ""), ("error+,hm+", "hm+"), ("", "")] {
        let error = text.parse::<Levels>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("\"{part}\" is not a level")), "{error}");
    }
}

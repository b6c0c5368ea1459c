//! A matcher that is slow and plain: it reads the file again for each question, and tries every way
//! a pattern may match.

/// Whether `agent` may fetch `path`, for texts with nothing percent-encoded and nothing but ASCII.
pub(crate) fn allows(text: &str, agent: &str, path: &str) -> bool {
    let mut groups: Vec<(Vec<String>, Vec<(bool, String)>)> = Vec::new();
    let mut in_rules = true;
    for line in text.split(['\r', '\n']) {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some((key, value)) = line.split_once(':').or_else(|| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words.len() == 2).then(|| (words[0], words[1]))
        }) else {
            continue;
        };
        let value = value.trim().to_owned();
        match key.to_lowercase().as_str() {
            "user-agent" | "useragent" => {
                if in_rules {
                    groups.push((Vec::new(), Vec::new()));
                }
                in_rules = false;
                let name = if value == "*" {
                    value
                } else {
                    value.split('/').next().unwrap_or_default().to_lowercase()
                };
                groups.last_mut().expect("one was pushed at the first agent").0.push(name);
            }
            key @ ("allow" | "disallow") => {
                if let Some((_, rules)) = groups.last_mut() {
                    in_rules = true;
                    rules.push((key == "allow", value));
                }
            }
            _ => {}
        }
    }
    let named = groups.iter().any(|(agents, _)| agents.iter().any(|name| name == agent));
    let wanted = if named { agent } else { "*" };
    let (mut best_allow, mut best_disallow) = (0, 0);
    for (_, rules) in groups.iter().filter(|(agents, _)| agents.iter().any(|name| name == wanted)) {
        for (allow, pattern) in rules {
            let best = if *allow { &mut best_allow } else { &mut best_disallow };
            if matches(pattern.as_bytes(), path.as_bytes()) {
                *best = pattern.len().max(*best);
            } else if let (true, Some((directory, _))) =
                (allow, pattern.rsplit_once("/index.htm").filter(|(_, end)| !end.contains('/')))
            {
                let directory = format!("{directory}/$");
                if matches(directory.as_bytes(), path.as_bytes()) {
                    *best = directory.len().max(*best);
                }
            }
        }
    }
    best_disallow <= best_allow
}

fn matches(pattern: &[u8], path: &[u8]) -> bool {
    match (pattern, path) {
        ([], _) | ([b'$'], []) => true,
        ([b'*', rest @ ..], _) => (0..=path.len()).any(|skip| matches(rest, &path[skip..])),
        ([first, rest @ ..], [byte, after @ ..]) => {
            (*first != b'$' || !rest.is_empty()) && first == byte && matches(rest, after)
        }
        (_, []) => false,
    }
}

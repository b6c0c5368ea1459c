//! The table: what RFC 9309 says and what is documented of Google's matcher, in examples of our
//! own.

pub(crate) struct Case {
    pub(crate) promise: &'static str,
    pub(crate) robots: &'static str,
    /// Who asks, for what, and whether it is allowed.
    pub(crate) asked: &'static [(&'static str, &'static str, bool)],
}

pub(crate) const CASES: &[Case] = &[
    // Lines and keys.
    Case {
        promise: "an empty file allows all",
        robots: "",
        asked: &[("Walker", "/", true), ("Walker", "/a?b", true), ("", "/", true)],
    },
    Case {
        promise: "a key, a colon and a value are a line",
        robots: "user-agent: Walker\ndisallow: /\n",
        asked: &[("Walker", "/x/y", false), ("Other", "/x/y", true)],
    },
    Case {
        promise: "keys that are unknown make no group and no rule",
        robots: "agent: Walker\nforbid: /\n",
        asked: &[("Walker", "/x", true), ("Walker", "/", true)],
    },
    Case {
        promise: "a colon that is missing may be spaces",
        robots: "user-agent Walker\ndisallow   /\n",
        asked: &[("Walker", "/x", false), ("Other", "/x", true)],
    },
    Case {
        promise: "a tab separates as well, and spaces around all parts are ignored",
        robots: " \tuser-agent \t:\t Walker \t\n\tdisallow\t/deep \n  allow : /deep/ok  ",
        asked: &[
            ("Walker", "/deep/x", false),
            ("Walker", "/deep/ok", true),
            ("Walker", "/else", true),
        ],
    },
    Case {
        promise: "three words without a colon are no rule",
        robots: "user-agent: Walker\ndisallow /a b\n",
        asked: &[("Walker", "/a", true), ("Walker", "/a b", true)],
    },
    Case {
        promise: "keys are known in any case",
        robots: "USER-AGENT: Walker\nDisAllow: /a\naLLoW: /a/b\n",
        asked: &[("Walker", "/a/c", false), ("Walker", "/a/b", true)],
    },
    Case {
        promise: "misspelt agents are agents",
        robots: "useragent: Walker\ndisallow: /a\n\nuser agent: Runner\ndisallow: /b\n",
        asked: &[
            ("Walker", "/a", false),
            ("Walker", "/b", true),
            ("Runner", "/b", false),
            ("Runner", "/a", true),
        ],
    },
    Case {
        promise: "misspelt rules are rules",
        robots: "user-agent: Walker\ndisalow: /1\ndissallow: /2\ndissalow: /3\ndiasllow: /4\ndisallaw: /5\n",
        asked: &[
            ("Walker", "/1", false),
            ("Walker", "/2", false),
            ("Walker", "/3", false),
            ("Walker", "/4", false),
            ("Walker", "/5", false),
            ("Walker", "/6", true),
        ],
    },
    Case {
        promise: "other misspellings are not",
        robots: "user-agent: Walker\ndisalloww_: /1\ndis-allow: /2\ndeny: /3\nallowed-not /4\n",
        asked: &[("Walker", "/1", false), ("Walker", "/2", true), ("Walker", "/3", true)],
    },
    Case {
        promise: "comments end a line, wherever they begin",
        robots: "# user-agent: *\nuser-agent: Walker # disallow: /a\ndisallow: /b#c\n#disallow: /d\ndisallow: #/e\n",
        asked: &[
            ("Walker", "/a", true),
            ("Walker", "/b", false),
            ("Walker", "/d", true),
            ("Walker", "/e", true),
            ("Other", "/b", true),
        ],
    },
    Case {
        promise: "lines may end with a carriage return",
        robots: "user-agent: Walker\rdisallow: /a\r\rallow: /a/b\r",
        asked: &[("Walker", "/a", false), ("Walker", "/a/b", true)],
    },
    Case {
        promise: "lines may end with both, and in a mixture",
        robots: "user-agent: Walker\r\ndisallow: /a\nallow: /a/b\r\n\r\ndisallow: /a/b/c\r",
        asked: &[("Walker", "/a", false), ("Walker", "/a/b", true), ("Walker", "/a/b/c", false)],
    },
    Case {
        promise: "the last line needs no end",
        robots: "user-agent: Walker\ndisallow: /a",
        asked: &[("Walker", "/a", false), ("Walker", "/b", true)],
    },
    Case {
        promise: "a byte order mark is no part of the first key",
        robots: "\u{feff}user-agent: Walker\ndisallow: /a\n",
        asked: &[("Walker", "/a", false), ("Walker", "/b", true)],
    },
    Case {
        promise: "a byte order mark elsewhere spoils its line",
        robots: "user-agent: Walker\n\u{feff}disallow: /a\ndisallow: /b\n",
        asked: &[("Walker", "/a", true), ("Walker", "/b", false)],
    },
    // Groups.
    Case {
        promise: "rules before the first agent are for nobody",
        robots: "disallow: /\n\nuser-agent: Walker\ndisallow: /a\n",
        asked: &[("Walker", "/a", false), ("Walker", "/b", true), ("Other", "/b", true)],
    },
    Case {
        promise: "agents one after the other share the rules",
        robots: "user-agent: Walker\nuser-agent: Runner\ndisallow: /a\n\nuser-agent: Swimmer\ndisallow: /b\n",
        asked: &[
            ("Walker", "/a", false),
            ("Runner", "/a", false),
            ("Swimmer", "/a", true),
            ("Walker", "/b", true),
            ("Runner", "/b", true),
            ("Swimmer", "/b", false),
        ],
    },
    Case {
        promise: "empty lines, comments and unknown lines part no agents",
        robots: "user-agent: Walker\n\n# and\nhost: a\nuser-agent: Runner\n\ndisallow: /a\n",
        asked: &[("Walker", "/a", false), ("Runner", "/a", false), ("Other", "/a", true)],
    },
    Case {
        promise: "empty lines do not end a group",
        robots: "user-agent: Walker\ndisallow: /a\n\n\ndisallow: /b\n",
        asked: &[("Walker", "/a", false), ("Walker", "/b", false)],
    },
    Case {
        promise: "an empty rule ends the list of agents",
        robots: "user-agent: Walker\ndisallow:\nuser-agent: Runner\ndisallow: /\n",
        asked: &[("Walker", "/a", true), ("Runner", "/a", false)],
    },
    Case {
        promise: "groups of one agent are one",
        robots: "user-agent: Walker\ndisallow: /a\n\nuser-agent: *\ndisallow: /c\n\nuser-agent: WALKER\ndisallow: /b\n",
        asked: &[
            ("Walker", "/a", false),
            ("Walker", "/b", false),
            ("Walker", "/c", true),
            ("Other", "/c", false),
        ],
    },
    Case {
        promise: "groups of everybody are one",
        robots: "user-agent: *\ndisallow: /a\n\nuser-agent: Runner\ndisallow: /c\n\nuser-agent: *\ndisallow: /b\n",
        asked: &[
            ("Walker", "/a", false),
            ("Walker", "/b", false),
            ("Walker", "/c", true),
            ("Runner", "/a", true),
        ],
    },
    Case {
        promise: "who is named is not everybody, wherever the groups stand",
        robots: "user-agent: *\ndisallow: /\n\nuser-agent: Walker\ndisallow: /a\n",
        asked: &[("Walker", "/b", true), ("Walker", "/a", false), ("Other", "/b", false)],
    },
    Case {
        promise: "a group without rules allows all to those that it names",
        robots: "user-agent: *\ndisallow: /\n\nuser-agent: Walker\n",
        asked: &[("Walker", "/a", true), ("Other", "/a", false)],
    },
    Case {
        promise: "a name beside the star takes the rules for both",
        robots: "user-agent: Walker\nuser-agent: *\ndisallow: /a\n\nuser-agent: *\ndisallow: /b\n",
        asked: &[
            ("Walker", "/a", false),
            ("Walker", "/b", true),
            ("Other", "/a", false),
            ("Other", "/b", false),
        ],
    },
    Case {
        promise: "an agent without a name hides none of its neighbours",
        robots: "user-agent:\nuser-agent: Walker\ndisallow: /a\n",
        asked: &[("Walker", "/a", false), ("", "/a", true)],
    },
    // Names.
    Case {
        promise: "names are compared in any case",
        robots: "user-agent: wALKer\ndisallow: /a\n",
        asked: &[("Walker", "/a", false), ("WALKER", "/a", false), ("walker", "/a", false)],
    },
    Case {
        promise: "a version is no part of a name",
        robots: "user-agent: Walker/2.1\ndisallow: /a\n",
        asked: &[("Walker", "/a", false), ("Walk", "/a", true)],
    },
    Case {
        promise: "a name ends with its first space",
        robots: "user-agent: *\ndisallow: /\nuser-agent: Walker Runner\nallow: /a\ndisallow: /\n",
        asked: &[("Walker", "/a", true), ("Walker Runner", "/a", false), ("Runner", "/a", false)],
    },
    Case {
        promise: "a name is whole: no beginning and no longer one counts",
        robots: "user-agent: Walker\ndisallow: /a\n\nuser-agent: Walker-News\ndisallow: /b\n",
        asked: &[
            ("Walker", "/a", false),
            ("Walker", "/b", true),
            ("Walker-News", "/b", false),
            ("Walker-News", "/a", true),
            ("Walker-Images", "/a", true),
            ("Walk", "/a", true),
        ],
    },
    Case {
        promise: "hyphens and underscores belong to names, digits do not",
        robots: "user-agent: my_walker-x9\ndisallow: /a\n",
        asked: &[
            ("my_walker-x", "/a", false),
            ("my_walker-x9", "/a", true),
            ("my_walker", "/a", true),
        ],
    },
    Case {
        promise: "a star is everybody only if it stands alone",
        robots: "user-agent: *Walker\ndisallow: /a\n",
        asked: &[("Walker", "/a", true), ("Other", "/a", true)],
    },
    Case {
        promise: "a star may have words after it",
        robots: "user-agent: * (all)\ndisallow: /a\n",
        asked: &[("Walker", "/a", false), ("Other", "/a", false)],
    },
    // Which rule decides.
    Case {
        promise: "the longest rule decides, in whatever order they stand",
        robots: "user-agent: *\nallow: /shop/open\ndisallow: /shop\n",
        asked: &[
            ("Walker", "/shop/open/1", true),
            ("Walker", "/shop/closed", false),
            ("Walker", "/sho", true),
        ],
    },
    Case {
        promise: "and in the other order",
        robots: "user-agent: *\ndisallow: /shop/open\nallow: /shop\n",
        asked: &[
            ("Walker", "/shop/open/1", false),
            ("Walker", "/shop/closed", true),
            ("Walker", "/shop", true),
        ],
    },
    Case {
        promise: "of equal rules the one that allows decides",
        robots: "user-agent: *\ndisallow: /a\nallow: /a\n\nuser-agent: Second\nallow: /a\ndisallow: /a\n",
        asked: &[("Walker", "/a", true), ("Second", "/a", true)],
    },
    Case {
        promise: "so it does of equally long ones",
        robots: "user-agent: *\ndisallow: /pa*e\nallow: /page\n",
        asked: &[("Walker", "/page", true), ("Walker", "/paste", false)],
    },
    Case {
        promise: "a star counts as one octet of length",
        robots: "user-agent: *\nallow: /a*\ndisallow: /ab\n",
        asked: &[("Walker", "/ab", true), ("Walker", "/ac", true)],
    },
    Case {
        promise: "a dollar sign counts as one octet of length",
        robots: "user-agent: *\nallow: /$\ndisallow: /\n",
        asked: &[("Walker", "/", true), ("Walker", "/a", false), ("Walker", "/?", false)],
    },
    Case {
        promise: "a long rule that does not match decides nothing",
        robots: "user-agent: *\nallow: /a/very/long/rule/that/is/elsewhere\ndisallow: /a\n",
        asked: &[("Walker", "/a/x", false), ("Walker", "/b", true)],
    },
    Case {
        promise: "a rule that forbids nothing forbids nothing",
        robots: "user-agent: *\ndisallow:\n",
        asked: &[("Walker", "/", true), ("Walker", "/a", true)],
    },
    Case {
        promise: "a rule that allows nothing allows nothing more",
        robots: "user-agent: *\nallow:\ndisallow: /a\n",
        asked: &[("Walker", "/a", false), ("Walker", "/b", true)],
    },
    Case {
        promise: "what no rule is about is allowed",
        robots: "user-agent: *\nallow: /a\n",
        asked: &[("Walker", "/b", true), ("Walker", "/a", true)],
    },
    Case {
        promise: "robots.txt itself is always allowed",
        robots: "user-agent: *\ndisallow: /\n",
        asked: &[
            ("Walker", "/robots.txt", true),
            ("Walker", "/robots.txt2", false),
            ("Walker", "/a/robots.txt", false),
        ],
    },
    // Paths.
    Case {
        promise: "a rule is about all that begins with it",
        robots: "user-agent: *\ndisallow: /tree\n",
        asked: &[
            ("Walker", "/tree", false),
            ("Walker", "/trees", false),
            ("Walker", "/tree/oak", false),
            ("Walker", "/tree?leaf", false),
            ("Walker", "/tree.html", false),
            ("Walker", "/Tree", true),
            ("Walker", "/tre", true),
            ("Walker", "/x/tree", true),
            ("Walker", "/?q=/tree", true),
        ],
    },
    Case {
        promise: "a slash at the end is part of the rule",
        robots: "user-agent: *\ndisallow: /tree/\n",
        asked: &[
            ("Walker", "/tree/", false),
            ("Walker", "/tree/oak", false),
            ("Walker", "/tree", true),
            ("Walker", "/tree.html", true),
        ],
    },
    Case {
        promise: "paths are compared in their own case",
        robots: "user-agent: *\ndisallow: /UPPER\n",
        asked: &[("Walker", "/UPPER/x", false), ("Walker", "/upper/x", true)],
    },
    Case {
        promise: "the query belongs to what is compared",
        robots: "user-agent: *\ndisallow: /find?\nallow: /find?about\n",
        asked: &[
            ("Walker", "/find", true),
            ("Walker", "/find?q=1", false),
            ("Walker", "/find?about", true),
        ],
    },
    Case {
        promise: "parameters of the path belong to it",
        robots: "user-agent: *\ndisallow: /a;v=1\n",
        asked: &[("Walker", "/a;v=1/b", false), ("Walker", "/a;v=2", true)],
    },
    Case {
        promise: "a fragment does not",
        robots: "user-agent: *\ndisallow: /a$\n",
        asked: &[("Walker", "/a#top", false), ("Walker", "/ab#top", true)],
    },
    Case {
        promise: "a path that is empty is the root",
        robots: "user-agent: *\ndisallow: /$\n",
        asked: &[("Walker", "", false), ("Walker", "?a", true)],
    },
    Case {
        promise: "a rule without a slash in front matches no path",
        robots: "user-agent: *\ndisallow: tree\ndisallow: http://a/tree\n",
        asked: &[("Walker", "/tree", true), ("Walker", "/", true)],
    },
    Case {
        promise: "empty segments are segments",
        robots: "user-agent: *\ndisallow: //\n",
        asked: &[("Walker", "//a", false), ("Walker", "/a//", true)],
    },
    // Stars and dollar signs.
    Case {
        promise: "a star is any number of octets, none as well",
        robots: "user-agent: *\ndisallow: /a*z\n",
        asked: &[
            ("Walker", "/az", false),
            ("Walker", "/abcz", false),
            ("Walker", "/a/b/z/y", false),
            ("Walker", "/a?q=z", false),
            ("Walker", "/ab", true),
            ("Walker", "/za", true),
        ],
    },
    Case {
        promise: "a star at the end changes nothing",
        robots: "user-agent: *\ndisallow: /tree*\n",
        asked: &[
            ("Walker", "/tree", false),
            ("Walker", "/trees/x", false),
            ("Walker", "/tre", true),
        ],
    },
    Case {
        promise: "a star in front is any path",
        robots: "user-agent: *\ndisallow: *.php\n",
        asked: &[
            ("Walker", "/a.php", false),
            ("Walker", "/a.php?x", false),
            ("Walker", "/php", true),
        ],
    },
    Case {
        promise: "a star alone is everything",
        robots: "user-agent: *\ndisallow: *\nallow: /ok\n",
        asked: &[("Walker", "/", false), ("Walker", "/a", false), ("Walker", "/ok", true)],
    },
    Case {
        promise: "several stars are taken one after the other",
        robots: "user-agent: *\ndisallow: /*/img/*.gif\n",
        asked: &[
            ("Walker", "/x/img/y.gif", false),
            ("Walker", "/x/y/img/z/q.gif?s", false),
            ("Walker", "/img/y.gif", true),
            ("Walker", "/x/img/y.png", true),
            ("Walker", "/x.gif/img/", true),
        ],
    },
    Case {
        promise: "stars beside each other are one",
        robots: "user-agent: *\ndisallow: /a**b***$\n",
        asked: &[("Walker", "/ab", false), ("Walker", "/axbx", false), ("Walker", "/ax", true)],
    },
    Case {
        promise: "a dollar sign at the end is the end",
        robots: "user-agent: *\ndisallow: /tree$\n",
        asked: &[
            ("Walker", "/tree", false),
            ("Walker", "/tree/", true),
            ("Walker", "/tree?x", true),
            ("Walker", "/trees", true),
        ],
    },
    Case {
        promise: "a star and a dollar sign look for the end",
        robots: "user-agent: *\ndisallow: /*.php$\n",
        asked: &[
            ("Walker", "/a.php", false),
            ("Walker", "/a/b.php", false),
            ("Walker", "/a.php.php", false),
            ("Walker", "/a.php?x", true),
            ("Walker", "/a.php/", true),
            ("Walker", "/a.PHP", true),
            ("Walker", "/php", true),
        ],
    },
    Case {
        promise: "the end is looked for behind what was taken before it",
        robots: "user-agent: *\ndisallow: /aba*aba$\n",
        asked: &[
            ("Walker", "/abaaba", false),
            ("Walker", "/aba", true),
            ("Walker", "/ababa", true),
        ],
    },
    Case {
        promise: "a dollar sign elsewhere is a dollar sign",
        robots: "user-agent: *\ndisallow: /a$b\ndisallow: /c$$\n",
        asked: &[
            ("Walker", "/a$b", false),
            ("Walker", "/a", true),
            ("Walker", "/c$", false),
            ("Walker", "/c", true),
        ],
    },
    Case {
        promise: "other letters of regular expressions are letters",
        robots: "user-agent: *\ndisallow: /a.b+[c]\n",
        asked: &[
            ("Walker", "/a.b+[c]", false),
            ("Walker", "/axb+[c]", true),
            ("Walker", "/a.bbc", true),
        ],
    },
    // What is not ASCII.
    Case {
        promise: "what is not ASCII in a rule is compared in its encoded form",
        robots: "user-agent: *\ndisallow: /\nallow: /café/\n",
        asked: &[
            ("Walker", "/caf%C3%A9/x", true),
            ("Walker", "/caf%c3%a9/x", true),
            ("Walker", "/café/x", true),
            ("Walker", "/cafe/x", false),
        ],
    },
    Case {
        promise: "a rule that is encoded already stays so",
        robots: "user-agent: *\ndisallow: /\nallow: /caf%c3%A9/\n",
        asked: &[("Walker", "/caf%C3%A9/x", true), ("Walker", "/café/x", true)],
    },
    Case {
        promise: "what is encoded and reserved is not what it stands for",
        robots: "user-agent: *\ndisallow: /go?to=http%3A%2F%2Fa\n",
        asked: &[
            ("Walker", "/go?to=http%3A%2F%2Fa", false),
            ("Walker", "/go?to=http%3a%2f%2fa", false),
            ("Walker", "/go?to=http://a", true),
        ],
    },
    Case {
        promise: "an encoded letter allows only in its own form",
        robots: "user-agent: *\ndisallow: /\nallow: /b%61r\n",
        asked: &[("Walker", "/b%61r", true), ("Walker", "/bar", false)],
    },
    Case {
        promise: "a percent sign that encodes nothing is one",
        robots: "user-agent: *\ndisallow: /100%\ndisallow: /5%x\n",
        asked: &[
            ("Walker", "/100%", false),
            ("Walker", "/100%25", false),
            ("Walker", "/5%x", false),
            ("Walker", "/5", true),
        ],
    },
    // The index page of a directory.
    Case {
        promise: "an allowed index page is its directory as well",
        robots: "user-agent: *\nallow: /docs/index.html\ndisallow: /\n",
        asked: &[
            ("Walker", "/docs/index.html", true),
            ("Walker", "/docs/", true),
            ("Walker", "/docs", false),
            ("Walker", "/docs/index.htm", false),
            ("Walker", "/docs/x", false),
            ("Walker", "/docs/?x", false),
            ("Walker", "/", false),
        ],
    },
    Case {
        promise: "so is one with the short name, and that of the root",
        robots: "user-agent: *\nallow: /index.htm\ndisallow: /\n",
        asked: &[("Walker", "/", true), ("Walker", "/index.html", true), ("Walker", "/x", false)],
    },
    Case {
        promise: "a forbidden index page is only itself",
        robots: "user-agent: *\ndisallow: /docs/index.html\n",
        asked: &[("Walker", "/docs/index.html", false), ("Walker", "/docs/", true)],
    },
    Case {
        promise: "the directory is as specific as its own name",
        robots: "user-agent: *\nallow: /docs/index.html\ndisallow: /docs/*\n",
        asked: &[("Walker", "/docs/", true), ("Walker", "/docs/x", false)],
    },
    Case {
        promise: "and gives way to a longer rule",
        robots: "user-agent: *\nallow: /docs/index.html\ndisallow: /*docs/*$\n",
        asked: &[("Walker", "/docs/", false), ("Walker", "/docs/index.html", true)],
    },
];
